//! Numbers and assignments on the command line.

pub(super) use smmu_sim::number::parse as parse_u64;

pub(super) fn parse_index(text: &str) -> Result<usize, String> {
    usize::try_from(parse_u64(text)?).map_err(|error| error.to_string())
}

pub(super) fn parse_count(text: &str) -> Result<u64, String> {
    let value = parse_u64(text)?;
    if value > 0 { Ok(value) } else { Err("it must be at least 1".to_owned()) }
}

pub(super) fn parse_u32(text: &str) -> Result<u32, String> {
    let value = parse_u64(text)?;
    u32::try_from(value).map_err(|_too_large| format!("{value:#x} does not fit 32 bits"))
}

pub(super) fn parse_ssid(text: &str) -> Result<u32, String> {
    const SSID_BITS: u32 = 20;
    let value = parse_u32(text)?;
    if value >> SSID_BITS == 0 { Ok(value) } else { Err(format!("{value:#x} does not fit {SSID_BITS} bits")) }
}

pub(super) fn parse_assignment(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as IDR0.HTTU=2")?;
    Ok((name.to_owned(), parse_u64(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit() {
        assert!(parse_u32("0x100000000").is_err() && parse_ssid("0x100000").is_err());
        assert_eq!(parse_ssid("0xfffff"), Ok(0xf_ffff));
    }
}
