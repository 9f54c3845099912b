use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::line::{self, Letter};
use super::{ListError, ListRule};
use crate::payload::EntryPath;
use crate::payload::limits::MAX_COMPONENT_LENGTH;

/// A pattern for paths, anchored at the root of the system.
///
/// It matches a path and everything below it. `*` stands for any bytes of one name, `?` for one byte,
/// `[...]` for one of a set; a name `**` stands for any number of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    names: Vec<Name>,
    /// As it was written, but for what is before and behind it.
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// `**`: no name, or any number of names.
    Any,
    One(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    AnyByte,
    AnyBytes,
    Set {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
}

impl PathPattern {
    /// Whether `path`, relative to the root of the system, is matched or lies below what is.
    pub fn matches(&self, path: &[u8]) -> bool {
        // Which beginnings of the pattern the path's beginning may stand for.
        let mut reached = vec![false; self.names.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        self.skip_any(&mut reached);
        for name in path.split(|byte| *byte == b'/') {
            let mut next = vec![false; reached.len()];
            for (at, pattern) in self.names.iter().enumerate() {
                if !reached.get(at).copied().unwrap_or(false) {
                    continue;
                }
                let to = match pattern {
                    Name::Any => at,
                    Name::One(pieces) if name_matches(pieces, name) => at + 1,
                    Name::One(_) => continue,
                };
                if let Some(place) = next.get_mut(to) {
                    *place = true;
                }
            }
            self.skip_any(&mut next);
            if next.last().copied().unwrap_or(false) {
                return true;
            }
            reached = next;
        }
        false
    }

    /// `**` may stand for nothing.
    fn skip_any(&self, reached: &mut [bool]) {
        for (at, pattern) in self.names.iter().enumerate() {
            if *pattern == Name::Any
                && reached.get(at).copied().unwrap_or(false)
                && let Some(place) = reached.get_mut(at + 1)
            {
                *place = true;
            }
        }
    }

    pub(super) fn from_letters(letters: &[Letter]) -> Result<Self, ListRule> {
        // A slash at the end says that a directory is meant, which makes no difference here.
        let letters = match letters {
            [rest @ .., slash] if slash.is(b'/') => rest,
            all => all,
        };
        let mut names = Vec::new();
        for name in letters.split(|letter| letter.byte == b'/') {
            names.push(one_name(name)?);
        }
        // Below a directory stands at least one name.
        if let Some(last @ Name::Any) = names.last_mut() {
            *last = Name::One(vec![Piece::AnyBytes]);
        }
        let bytes: Vec<u8> = letters.iter().map(|letter| letter.byte).collect();
        // Whatever could match is a path itself: neither `..` nor an empty name ever matches.
        EntryPath::new(&bytes)?;
        let text = written(letters);
        Ok(Self { names, text })
    }
}

impl FromStr for PathPattern {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let parsed = line::one(text.as_bytes()).and_then(|letters| Self::from_letters(&letters));
        parsed.map_err(|rule| ListError {
            of: "skip list",
            line: 1,
            rule,
        })
    }
}

impl Serialize for PathPattern {
    /// As it was written.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A line that means the same, and can be printed.
fn written(letters: &[Letter]) -> String {
    let mut text = String::new();
    for letter in letters {
        let byte = letter.byte;
        if byte.is_ascii_alphanumeric() || (byte.is_ascii_punctuation() && !letter.literal) {
            text.push(char::from(byte));
        } else if byte.is_ascii_punctuation() {
            text.extend(['\\', char::from(byte)]);
        } else {
            // Writing to a string does not fail.
            write!(text, "\\x{byte:02x}").unwrap_or_default();
        }
    }
    text
}

fn one_name(letters: &[Letter]) -> Result<Name, ListRule> {
    if let [one, two] = letters
        && one.is(b'*')
        && two.is(b'*')
    {
        return Ok(Name::Any);
    }
    let mut pieces = Vec::with_capacity(letters.len().min(MAX_COMPONENT_LENGTH));
    let mut rest = letters;
    while let [letter, behind @ ..] = rest {
        rest = behind;
        let piece = if letter.is(b'*') {
            Piece::AnyBytes
        } else if letter.is(b'?') {
            Piece::AnyByte
        } else if letter.is(b'[') {
            let (set, behind) = set(behind)?;
            rest = behind;
            set
        } else {
            Piece::Byte(letter.byte)
        };
        // Two stars in a row mean what one means.
        if !(piece == Piece::AnyBytes && pieces.last() == Some(&piece)) {
            pieces.push(piece);
        }
    }
    Ok(Name::One(pieces))
}

/// The set that begins behind its bracket, and what follows it.
fn set(letters: &[Letter]) -> Result<(Piece, &[Letter]), ListRule> {
    let (negated, mut rest) = match letters {
        [first, rest @ ..] if first.is(b'!') || first.is(b'^') => (true, rest),
        _ => (false, letters),
    };
    let mut ranges = Vec::new();
    loop {
        match rest {
            [end, behind @ ..] if end.is(b']') && !ranges.is_empty() => {
                return Ok((Piece::Set { negated, ranges }, behind));
            }
            [from, dash, to, behind @ ..] if dash.is(b'-') && !to.is(b']') => {
                if from.byte > to.byte {
                    return Err(ListRule::Set);
                }
                ranges.push((from.byte, to.byte));
                rest = behind;
            }
            [one, behind @ ..] => {
                ranges.push((one.byte, one.byte));
                rest = behind;
            }
            [] => return Err(ListRule::Set),
        }
    }
}

/// Goes back to the last star only: what an earlier one took makes no difference.
fn name_matches(pieces: &[Piece], name: &[u8]) -> bool {
    let (mut piece, mut byte) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(found) = name.get(byte) {
        let fits = match pieces.get(piece) {
            Some(Piece::AnyBytes) => {
                star = Some((piece, byte));
                piece += 1;
                continue;
            }
            Some(Piece::Byte(wanted)) => wanted == found,
            Some(Piece::AnyByte) => true,
            Some(Piece::Set { negated, ranges }) => {
                ranges.iter().any(|(from, to)| (from..=to).contains(&found)) != *negated
            }
            None => false,
        };
        if fits {
            piece += 1;
            byte += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            piece = at + 1;
            byte = taken + 1;
        } else {
            return false;
        }
    }
    let left = pieces.get(piece..).unwrap_or_default();
    left.iter().all(|piece| *piece == Piece::AnyBytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let pattern: PathPattern = pattern.parse().unwrap();
        pattern.matches(path.as_bytes())
    }

    #[test]
    fn a_pattern_is_anchored_and_takes_what_is_below() {
        for pattern in ["etc", "/etc", "./etc", "etc/"] {
            assert!(matches(pattern, "etc"), "{pattern}");
            assert!(matches(pattern, "etc/ssh/sshd_config"), "{pattern}");
            assert!(!matches(pattern, "etcetera"), "{pattern}");
            assert!(!matches(pattern, "usr/etc"), "{pattern}");
        }
        assert!(!matches("boot/efi", "boot"));
    }

    #[test]
    fn stars_stay_in_their_name_and_two_go_anywhere() {
        for (pattern, path, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a/b.conf", false),
            ("etc/*/a", "etc/x/a", true),
            ("etc/*/a", "etc/x/y/a", false),
            ("etc/*/a", "etc/a", false),
            ("**/a", "a", true),
            ("**/a", "x/y/a/z", true),
            ("etc/**/a", "etc/a", true),
            ("etc/**/a", "etc/x/y/a", true),
            ("etc/**", "etc", false),
            ("etc/**", "etc/x", true),
            ("**", "anything/at/all", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
            ("a**", "abc", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn sets_and_escapes_mean_what_they_say() {
        for (pattern, path, expected) in [
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true),
            ("[^a]", "a", false),
            ("[]]", "]", true),
            ("[a-]", "-", true),
            ("[\\]]", "]", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("\\[a]", "[a]", true),
            ("a\\?", "a?", true),
            ("\\x2a", "x", false),
            ("?", "\u{e9}", false),
            ("??", "\u{e9}", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_path_is_no_pattern() {
        for (pattern, code) in [
            ("", "E_NAME"),
            ("/", "E_NAME"),
            ("//", "E_NAME"),
            ("..", "E_NAME"),
            ("a/../b", "E_NAME"),
            ("../*", "E_NAME"),
            ("a//b", "E_NAME"),
            ("a\\x00", "E_NAME"),
            ("a[b", "E_LIST"),
            ("[]", "E_LIST"),
            ("[c-a]", "E_LIST"),
            ("a\\", "E_LIST"),
        ] {
            let error = pattern.parse::<PathPattern>().unwrap_err();
            assert_eq!(error.code(), code, "{pattern:?}: {error}");
        }
    }

    #[test]
    fn a_pattern_is_written_so_that_it_reads_back() {
        for (text, written) in [
            ("./etc/*", "etc/*"),
            ("a\\*[\\]x]", "a\\*[\\]x]"),
            ("a b\\x0a", "a\\x20b\\x0a"),
            ("caf\u{e9}/", "caf\\xc3\\xa9"),
        ] {
            let pattern: PathPattern = text.parse().unwrap();
            assert_eq!(pattern.to_string(), written);
            let json = serde_json::to_string(&pattern).unwrap();
            assert_eq!(serde_json::from_str::<PathPattern>(&json).unwrap(), pattern);
        }
    }

    #[test]
    fn no_pattern_takes_for_ever() {
        let stars = format!("{}b", "a*".repeat(100));
        assert!(!matches(&stars, &"a".repeat(255)));
        let any = format!("{}x", "**/".repeat(100));
        assert!(!matches(&any, &["a"; 256].join("/")));
    }

    /// What the rules say, whatever it costs.
    fn slow(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                slow(rest, name) || (!name.is_empty() && slow(pattern, &name[1..]))
            }
            ([b'?', rest @ ..], [_, behind @ ..]) => slow(rest, behind),
            ([p, rest @ ..], [n, behind @ ..]) => p == n && slow(rest, behind),
            _ => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn a_name_matches_as_its_slow_definition_says(
            pattern in "[ab*?]{1,7}",
            name in "[ab]{0,7}",
        ) {
            proptest::prop_assume!(!pattern.contains("**"));
            proptest::prop_assert_eq!(
                matches(&pattern, &name),
                slow(pattern.as_bytes(), name.as_bytes())
            );
        }
    }
}
