//! How deeply a KDL text nests, found without recursion: the parser recurses, and a stack is not endless.

/// Deepest nesting of `{}` blocks, and of `/* */` comments, that a scenario may have.
pub(super) const DEPTH_MAX: usize = 24;

/// The offset of the first `{` or `/*` that is too deep.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    let mut depth = 0usize;
    while let Some(byte) = scanner.peek(0) {
        let start = scanner.at;
        match (byte, scanner.peek(1)) {
            (b'{', _) if depth == DEPTH_MAX => return Some(start),
            (b'{', _) => depth += 1,
            (b'}', _) => depth = depth.saturating_sub(1),
            (b'"' | b'#', _) => {
                scanner.skip_string();
                continue;
            }
            (b'/', Some(b'/')) => {
                scanner.skip_while(|byte| byte != b'\n');
                continue;
            }
            (b'/', Some(b'*')) => {
                if scanner.skip_comment() {
                    return Some(start);
                }
                continue;
            }
            _ => {}
        }
        scanner.at += 1;
    }
    None
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, goes_on: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&goes_on) {
            self.at += 1;
        }
    }

    fn skip_if(&mut self, text: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// A string, raw (`#"…"#`) or not, of one line (`"`) or several (`"""`); or hashes without one.
    fn skip_string(&mut self) {
        let start = self.at;
        self.skip_while(|byte| byte == b'#');
        let hashes = self.at - start;
        let quotes: &[u8] = if self.skip_if(b"\"\"\"") {
            b"\"\"\""
        } else if self.skip_if(b"\"") {
            b"\""
        } else {
            return;
        };
        let end = [quotes, &b"#".repeat(hashes)].concat();
        while self.at < self.bytes.len() && !self.skip_if(&end) {
            let escape = hashes == 0 && self.peek(0) == Some(b'\\');
            self.at += if escape { 2 } else { 1 };
        }
        self.at = self.at.min(self.bytes.len());
    }

    /// A comment with the comments inside it. Whether they nest too deeply.
    fn skip_comment(&mut self) -> bool {
        let mut depth = 0;
        while self.at < self.bytes.len() {
            if self.skip_if(b"/*") {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            } else if self.skip_if(b"*/") {
                depth -= 1;
                if depth == 0 {
                    return false;
                }
            } else {
                self.at += 1;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_count_outside_of_strings_and_comments() {
        let deep = "a {".repeat(DEPTH_MAX);
        assert_eq!(too_deep(&deep), None);
        assert_eq!(too_deep(&format!("{deep}{{")), Some(deep.len()));
        for hidden in
            ["\"}\\\"}\"", "#\"}\"}\"#", "\"\"\"\n}\"\n\"\"\"", "// }\n", "/* } /* */ } */", "#true"]
        {
            assert_eq!(
                too_deep(&format!("{deep}{hidden} {{")),
                Some(deep.len() + hidden.len() + 1),
                "{hidden}"
            );
        }
        assert_eq!(too_deep(&format!("{deep}}} a {{")), None);
    }

    #[test]
    fn comments_nest_no_deeper_than_blocks() {
        assert_eq!(too_deep(&"/*".repeat(DEPTH_MAX)), None);
        assert_eq!(too_deep(&"/*".repeat(DEPTH_MAX + 1)), Some(0));
        assert_eq!(too_deep("\"\\"), None);
    }
}
