//! Rust source as tokens: enough to tell code from comments and strings, and no more.

/// One token and the line it starts on, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword; raw identifiers without their `r#`.
    Word(String),
    /// The inside of a string literal, escapes untouched.
    Text(String),
    /// A character, byte or number literal, or a lifetime.
    Other,
    /// `::`
    PathSeparator,
    /// Any other character.
    Mark(char),
}

impl Token {
    /// The identifier, if it is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether this is exactly the character `mark`.
    pub(crate) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// Splits `text` into tokens; comments and white space are left out.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        rest: text,
        line: 1,
    };
    let mut found = Vec::new();
    loop {
        lexer.skip_blank();
        let line = lexer.line;
        match lexer.next_kind() {
            Some(kind) => found.push(Token { kind, line }),
            None => return found,
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip_blank(&mut self) {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            if self.rest.starts_with("//") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.take(block_comment(self.rest));
            } else {
                return;
            }
        }
    }

    fn next_kind(&mut self) -> Option<Kind> {
        let first = self.rest.chars().next()?;
        if let Some((skip, inside, end)) = string(self.rest) {
            self.take(skip);
            let text = self.take(inside).to_owned();
            self.take(end);
            return Some(Kind::Text(text));
        }
        if first == '\'' || self.rest.starts_with("b'") {
            self.take(quote(self.rest));
            return Some(Kind::Other);
        }
        if first.is_ascii_digit() {
            self.take(number(self.rest));
            return Some(Kind::Other);
        }
        if is_word(first) {
            let raw = self.rest.strip_prefix("r#").unwrap_or(self.rest);
            self.take(self.rest.len() - raw.len());
            let length = raw.find(|c| !is_word(c)).unwrap_or(raw.len());
            return Some(Kind::Word(self.take(length).to_owned()));
        }
        if self.rest.starts_with("::") {
            self.take(2);
            return Some(Kind::PathSeparator);
        }
        self.take(first.len_utf8());
        Some(Kind::Mark(first))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of the block comment that `text` starts with; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            match rest.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => return at,
            }
        }
    }
}

/// The string literal that `text` starts with: lengths of its opening, its inside and its end.
fn string(text: &str) -> Option<(usize, usize, usize)> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let rest = text.strip_prefix(prefix).unwrap_or_default();
        let open = if prefix.ends_with('r') {
            rest.trim_start_matches('#')
        } else {
            rest
        };
        open.starts_with('"')
    })?;
    let hashes = text[prefix.len()..]
        .chars()
        .take_while(|&c| c == '#')
        .count();
    let open = prefix.len() + hashes + 1;
    let inside = &text[open..];
    if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        let length = inside.find(&end).unwrap_or(inside.len());
        return Some((open, length, end.len().min(inside.len() - length)));
    }
    let mut escaped = false;
    let length = inside.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let length = length.unwrap_or(inside.len());
    Some((open, length, usize::from(length < inside.len())))
}

/// Length of the character literal or lifetime that `text` starts with.
fn quote(text: &str) -> usize {
    let open = text.find('\'').unwrap_or(0) + 1;
    let inside = &text[open..];
    let mut chars = inside.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), Some(escaped)) => {
            let body = 1 + escaped.len_utf8();
            let close = inside[body..].find('\'').unwrap_or(0);
            open + body + close + 1
        }
        (Some(c), Some('\'')) => open + c.len_utf8() + 1,
        _ => open + inside.find(|c| !is_word(c)).unwrap_or(inside.len()),
    }
}

/// Length of the number that `text` starts with; a range such as `0..n` ends it.
fn number(text: &str) -> usize {
    let whole = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let rest = &text[whole..];
    let fraction = rest
        .strip_prefix('.')
        .filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
        .map_or(0, |digits| {
            1 + digits.find(|c| !is_word(c)).unwrap_or(digits.len())
        });
    whole + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text)
            .iter()
            .filter_map(|token| token.word().map(str::to_owned))
            .collect()
    }

    #[test]
    fn comments_hold_no_code() {
        assert_eq!(
            words("a // b\n/* c /* d */ e */ f /// g\n//! h\nz"),
            ["a", "f", "z"]
        );
    }

    #[test]
    fn literals_hold_no_code() {
        let text =
            r###"a "b \" c" b"d" r"e \" f r#"g " h"# br##"i"# j"## 'k' '\'' b'l' '\u{6d}' z"###;
        assert_eq!(words(text), ["a", "f", "z"]);
    }

    #[test]
    fn lifetimes_and_ranges_do_not_swallow_what_follows() {
        assert_eq!(
            words("fn f<'a>(x: &'a str) { 0..n; 1.5e3.g }"),
            ["fn", "f", "x", "str", "n", "g"]
        );
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let found = tokens("/*\n\n*/ \"a\nb\"\n c");
        assert_eq!(found[0].line, 3);
        assert_eq!(found[1].line, 5);
    }

    #[test]
    fn a_string_keeps_its_inside() {
        let found = tokens("#[path = \"../x.rs\"]");
        assert_eq!(found[4].kind, Kind::Text("../x.rs".into()));
    }

    #[test]
    fn an_unfinished_file_ends() {
        for text in ["\"a", "r#\"a", "/* a", "'", "b'", "'\\", "r#"] {
            let _found = tokens(text);
        }
    }
}
