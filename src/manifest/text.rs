use crate::limits::{MAX_LINE, MAX_NAME};

/// Why a text is not allowed in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Not UTF-8 (RFC 3629).
    #[error("not UTF-8")]
    NotUtf8,
    /// Longer or shorter than allowed.
    #[error("{found} bytes, expected {min} to {max}")]
    Length {
        /// Fewest bytes allowed.
        min: usize,
        /// Most bytes allowed.
        max: usize,
        /// Bytes found.
        found: usize,
    },
    /// A control, line-breaking or direction-changing character.
    #[error("forbidden character U+{:04X}", u32::from(*.0))]
    Character(char),
    /// White space at an end.
    #[error("starts or ends with white space")]
    Space,
    /// A name with a slash, or `.` or `..`.
    #[error("not a plain name: slashes, \".\" and \"..\" are not allowed")]
    NotAName,
}

/// Checks one line of text, 1 to [`MAX_LINE`] bytes.
pub(super) fn line(bytes: &[u8]) -> Result<&str, TextError> {
    printable(bytes, MAX_LINE)
}

/// Checks a name, 1 to [`MAX_NAME`] bytes, that could be a file name.
pub(super) fn name(bytes: &[u8]) -> Result<&str, TextError> {
    let text = printable(bytes, MAX_NAME)?;
    if text.contains('/') || text == "." || text == ".." {
        return Err(TextError::NotAName);
    }
    Ok(text)
}

fn printable(bytes: &[u8], max: usize) -> Result<&str, TextError> {
    if bytes.is_empty() || bytes.len() > max {
        return Err(TextError::Length {
            min: 1,
            max,
            found: bytes.len(),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| TextError::NotUtf8)?;
    if let Some(character) = text.chars().find(|character| is_forbidden(*character)) {
        return Err(TextError::Character(character));
    }
    if text.trim() != text {
        return Err(TextError::Space);
    }
    Ok(text)
}

/// Controls (C0, DEL, C1), line and paragraph separators, and what turns the reading direction.
fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c06_line_breaks_that_forge_further_lines_are_refused() {
        for text in [
            "name\r\nhash: 0",
            "a\nb",
            "a\rb",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{2029}b",
        ] {
            assert!(
                matches!(line(text.as_bytes()), Err(TextError::Character(_))),
                "{text:?}"
            );
            assert!(
                matches!(name(text.as_bytes()), Err(TextError::Character(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn c12_text_that_deceives_is_refused() {
        for text in [
            "a\u{1b}]52;c;",
            "a\0b",
            "a\nb",
            "a\u{202E}b",
            "a\u{2067}b",
            "a\u{9b}b",
            "\u{7f}",
        ] {
            assert!(
                matches!(line(text.as_bytes()), Err(TextError::Character(_))),
                "{text:?}"
            );
        }
        assert_eq!(line(b"\xff"), Err(TextError::NotUtf8));
        assert_eq!(line(b" a"), Err(TextError::Space));
        assert_eq!(
            line("Pr\u{fc}fung \u{4e2d}".as_bytes()),
            Ok("Pr\u{fc}fung \u{4e2d}")
        );
    }

    #[test]
    fn names_are_plain_and_lengths_are_exact() {
        for text in ["a/b", ".", "..", "/"] {
            assert_eq!(name(text.as_bytes()), Err(TextError::NotAName), "{text:?}");
        }
        assert!(name(&[b'a'; MAX_NAME]).is_ok());
        assert!(name(&[b'a'; MAX_NAME + 1]).is_err());
        assert!(line(&[b'a'; MAX_LINE]).is_ok());
        assert!(line(&[b'a'; MAX_LINE + 1]).is_err());
        assert!(name(b"").is_err());
    }
}
