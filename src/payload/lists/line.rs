use super::{ListError, ListRule};

/// One byte of a line, and whether a backslash stood before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) byte: u8,
    /// Means itself, whatever it means elsewhere.
    pub(super) literal: bool,
}

impl Letter {
    /// Whether it is this byte with the meaning that the byte has in patterns.
    pub(super) const fn is(self, byte: u8) -> bool {
        self.byte == byte && !self.literal
    }
}

/// How much a list may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) of: &'static str,
    pub(super) bytes: usize,
    pub(super) lines: usize,
}

/// Hands every line that says something to `take`: comments, blanks around it and escapes are gone,
/// and so are a `./` or `/` before the path.
pub(super) fn for_each(
    list: &[u8],
    bounds: Bounds,
    mut take: impl FnMut(&[Letter]) -> Result<(), ListRule>,
) -> Result<(), ListError> {
    let at = |line: usize, rule| ListError {
        of: bounds.of,
        line,
        rule,
    };
    if list.len() > bounds.bytes {
        let rule = ListRule::TooLong {
            limit: bounds.bytes,
            found: list.len(),
        };
        let head = list.get(..bounds.bytes).unwrap_or_default();
        let lines = head.split(|byte| *byte == b'\n').count();
        return Err(at(lines, rule));
    }
    let mut count = 0;
    for (index, line) in list.split(|byte| *byte == b'\n').enumerate() {
        let refused = |rule| at(index + 1, rule);
        let letters = letters(line).map_err(refused)?;
        if letters.is_empty() {
            continue;
        }
        count += 1;
        if count > bounds.lines {
            let limit = bounds.lines;
            return Err(refused(ListRule::TooMany { limit }));
        }
        take(from_root(&letters)).map_err(refused)?;
    }
    Ok(())
}

/// One line on its own, as a configuration file has it.
pub(super) fn one(line: &[u8]) -> Result<Vec<Letter>, ListRule> {
    let letters = letters(line)?;
    Ok(from_root(&letters).to_vec())
}

/// Nothing for a comment or a blank line.
fn letters(line: &[u8]) -> Result<Vec<Letter>, ListRule> {
    let line = line.trim_ascii_start();
    if line.starts_with(b"#") {
        return Ok(Vec::new());
    }
    let mut letters = Vec::with_capacity(line.len());
    let mut rest = line.iter().copied();
    while let Some(byte) = rest.next() {
        let letter = match byte {
            b'\\' => Letter {
                byte: escaped(&mut rest)?,
                literal: true,
            },
            byte => Letter {
                byte,
                literal: false,
            },
        };
        letters.push(letter);
    }
    let blank = |letter: &Letter| letter.is(b' ') || letter.is(b'\t');
    while letters.last().is_some_and(blank) {
        letters.pop();
    }
    let control = letters
        .iter()
        .find(|letter| !letter.literal && letter.byte.is_ascii_control());
    match control {
        Some(letter) => Err(ListRule::Control(letter.byte)),
        None => Ok(letters),
    }
}

/// `\xHH` is that byte; any other ASCII punctuation, and a space, is itself.
fn escaped(rest: &mut impl Iterator<Item = u8>) -> Result<u8, ListRule> {
    match rest.next() {
        Some(b'x') => {
            let mut digit = || {
                let digit = rest.next().map(char::from)?;
                u8::try_from(digit.to_digit(16)?).ok()
            };
            let (high, low) = (digit(), digit());
            let value = high.zip(low).map(|(high, low)| high << 4 | low);
            value.ok_or(ListRule::Escape)
        }
        Some(byte) if byte.is_ascii_punctuation() || byte == b' ' => Ok(byte),
        _ => Err(ListRule::Escape),
    }
}

/// Without the `/` or `./` that some like to begin paths with.
fn from_root(letters: &[Letter]) -> &[Letter] {
    match letters {
        [dot, slash, rest @ ..] if dot.is(b'.') && slash.is(b'/') => rest,
        [slash, rest @ ..] if slash.is(b'/') => rest,
        _ => letters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        of: "list",
        bytes: 100,
        lines: 3,
    };

    fn read(list: &[u8]) -> Result<Vec<Vec<u8>>, ListError> {
        let mut lines = Vec::new();
        for_each(list, BOUNDS, |line| {
            lines.push(line.iter().map(|letter| letter.byte).collect());
            Ok(())
        })?;
        Ok(lines)
    }

    #[test]
    fn comments_blanks_and_beginnings_are_dropped() {
        let lines = read(b"# c\n\n  ./etc/a \t\n/b\nc d\\ \n").unwrap();
        assert_eq!(lines, [&b"etc/a"[..], b"b", b"c d "]);
        assert_eq!(read(b"\\#a\n\\x0ab\\\\").unwrap(), [&b"#a"[..], b"\nb\\"]);
    }

    #[test]
    fn lines_that_are_not_clear_are_refused_with_their_number() {
        for (list, line, rule) in [
            (&b"a\nb\r\n"[..], 2, ListRule::Control(b'\r')),
            (b"a\tb", 1, ListRule::Control(b'\t')),
            (b"\n\x1bb", 2, ListRule::Control(0x1b)),
            (b"a\\", 1, ListRule::Escape),
            (b"\\n", 1, ListRule::Escape),
            (b"\\x4", 1, ListRule::Escape),
            (b"\\xg0", 1, ListRule::Escape),
            (b"a\nb\nc\nd", 4, ListRule::TooMany { limit: 3 }),
        ] {
            let error = read(list).unwrap_err();
            assert_eq!((error.line, error.rule), (line, rule), "{list:?}");
        }
    }

    #[test]
    fn a_list_ends_at_its_limits() {
        assert_eq!(read(&[b'#'; 100]).unwrap().len(), 0);
        let error = read(&[b'#'; 101]).unwrap_err();
        assert_eq!(error.code(), "E_TOO_LARGE");
        assert_eq!(read(b"a\nb\nc\n# d\n").unwrap().len(), 3);
        assert_eq!(read(b"a\nb\nc\nd").unwrap_err().code(), "E_TOO_LARGE");
    }
}
