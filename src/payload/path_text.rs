use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{EntryPath, NameRule};

impl EntryPath {
    /// The path as text that [`EntryPath::from_text`] reads back: what is not printable UTF-8 is `\xHH`, and
    /// a backslash is doubled.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for chunk in self.as_bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                let shown: String = c.escape_debug().collect();
                // Quotes are escaped for programmers only.
                if c == '\\' {
                    text.push_str("\\\\");
                } else if shown.chars().count() == 1 || matches!(c, '\'' | '"') {
                    text.push(c);
                } else {
                    escape(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut text);
                }
            }
            escape(chunk.invalid(), &mut text);
        }
        text
    }

    /// The path that a text stands for.
    pub fn from_text(text: &str) -> Result<Self, NameRule> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [byte, behind @ ..] = rest {
            let (byte, behind) = match (byte, behind) {
                (b'\\', [b'x', high, low, behind @ ..]) => (hex(*high, *low)?, behind),
                (b'\\', [b'\\', behind @ ..]) => (b'\\', behind),
                (b'\\', _) => return Err(NameRule::Escape),
                (byte, behind) => (*byte, behind),
            };
            bytes.push(byte);
            rest = behind;
        }
        Self::new(&bytes)
    }
}

impl Serialize for EntryPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for EntryPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text).map_err(serde::de::Error::custom)
    }
}

fn escape(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a string does not fail.
        write!(text, "\\x{byte:02x}").unwrap_or_default();
    }
}

fn hex(high: u8, low: u8) -> Result<u8, NameRule> {
    let digit = |byte| char::from(byte).to_digit(16);
    let digits = digit(high).zip(digit(low));
    let value = digits.and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
    value.ok_or(NameRule::Escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_themselves() {
        for name in ["etc/a b", "caf\u{e9}", "it's", "\"x\""] {
            let path = EntryPath::new(name.as_bytes()).unwrap();
            assert_eq!(path.to_text(), name);
            assert_eq!(
                serde_json::from_str::<EntryPath>(&serde_json::to_string(&path).unwrap()).unwrap(),
                path
            );
        }
        assert_eq!(
            EntryPath::new(b"a\x1b\\\xff\n").unwrap().to_text(),
            "a\\x1b\\\\\\xff\\x0a"
        );
    }

    #[test]
    fn c08_text_leads_nowhere_that_bytes_do_not() {
        for text in [
            "..", "/etc", "a\\x2f..", "a\\x00", "\\x2fetc", "", "a\\", "\\q", "\\x4",
        ] {
            assert!(EntryPath::from_text(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_path_reads_back(bytes in proptest::collection::vec(1_u8..=255, 1..40)) {
            if let Ok(path) = EntryPath::new(&bytes) {
                let text = path.to_text();
                proptest::prop_assert!(!text.chars().any(char::is_control));
                proptest::prop_assert_eq!(EntryPath::from_text(&text), Ok(path));
            }
        }
    }
}
