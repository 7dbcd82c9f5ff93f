//! Numbers as people write them on the command line.

/// The number that `text` stands for: decimal, or hexadecimal with `0x`; `_` may stand between digits.
pub fn parse(text: &str) -> Result<u64, String> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = hex.unwrap_or(text).replace('_', "");
    if digits.starts_with('+') {
        return Err("a number has no sign".to_owned());
    }
    let value = u64::from_str_radix(&digits, if hex.is_some() { 16 } else { 10 });
    value.map_err(|error| format!("{error}; a number is decimal, or hexadecimal with 0x"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        assert_eq!(parse("0xffff_ffff_ffff_ffff"), Ok(u64::MAX));
        assert_eq!(parse("10"), Ok(10));
        for text in ["", "0x", "ten", "-1", "+1", "0x+1", "0x1_0000_0000_0000_0000"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
