//! Makes text that somebody else wrote harmless on a terminal.
//!
//! # Threats met here
//!
//! - Escape sequences that recolour, move the cursor, rename the window or answer for the user: all
//!   control characters, C0, DEL and C1.
//! - Line breaks that fake a row of a table or a verdict: escaped in one-line text, like the Unicode
//!   line and paragraph separators.
//! - Bidirectional overrides and isolates that show a name in another order than it is, and the
//!   characters that cannot be seen at all.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line: everything that is not plainly visible becomes `\n`, `\t` or `\u{...}`.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, hides)
}

/// Text of several lines: as [`line()`], but line feeds and tabs stay, and `\r\n` becomes `\n`.
pub(super) fn lines(text: &str) -> Cow<'_, str> {
    let text: Cow<'_, str> = if text.contains("\r\n") {
        text.replace("\r\n", "\n").into()
    } else {
        text.into()
    };
    let hides_here = |character| !matches!(character, '\n' | '\t') && hides(character);
    if text.contains(hides_here) {
        escaped(&text, hides_here).into_owned().into()
    } else {
        text
    }
}

/// JSON text: as [`lines`], written as JSON's own `\uXXXX`, so that the value stays the same.
///
/// Such characters can only stand inside strings there, and the serializer escaped C0 already.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    let hides_here = |character| character != '\n' && hides(character);
    if is_plain(text) || !text.contains(hides_here) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if hides_here(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").unwrap_or_default();
            }
        } else {
            safe.push(character);
        }
    }
    safe.into()
}

fn escaped(text: &str, hides: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hides) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if hides(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe.into()
}

/// Whether a text is visible ASCII, spaces and line feeds only; much faster than a look at every
/// character.
fn is_plain(text: &str) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
    let mut blocks = text.as_bytes().chunks(64);
    blocks.all(|block| block.iter().fold(true, |all, byte| all & plain(byte)))
}

/// Whether a character does something else than show itself.
fn hides(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' // soft hyphen
            | '\u{61c}' | '\u{200b}'..='\u{200f}' // zero width, direction marks
            | '\u{2028}'..='\u{202e}' // line separators, bidirectional embeddings and overrides
            | '\u{2060}'..='\u{206f}' // invisible operators, isolates, deprecated format characters
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}') // tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c12_what_a_terminal_would_obey_is_shown_instead() {
        for (text, shown) in [
            ("plain \u{e4}\u{20ac}", "plain \u{e4}\u{20ac}"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\0b", "a\\u{0}b"),
            ("a\nTotal: 1", "a\\nTotal: 1"),
            ("a\r\u{8}b\u{7f}", "a\\r\\u{8}b\\u{7f}"),
            ("gpj.\u{202e}isi", "gpj.\\u{202e}isi"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("a\u{200b}b\u{2028}c", "a\\u{200b}b\\u{2028}c"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(line(text), shown, "{text:?}");
        }
    }

    #[test]
    fn c12_longer_text_keeps_its_lines_and_tabs_only() {
        assert_eq!(lines("a\r\n\tb\n"), "a\n\tb\n");
        assert_eq!(lines("a\rb\u{1b}c\n"), "a\\rb\\u{1b}c\n");
    }

    #[test]
    fn c12_json_keeps_its_value() {
        let value = serde_json::json!({"name": "a\u{202e}\u{9b}\u{e0041}\n\"\\"});
        let printed = serde_json::to_string_pretty(&value).unwrap();
        let safe = json(&printed);
        assert!(safe.contains("\\u202e\\u009b\\udb40\\udc41\\n"), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
    }
}
