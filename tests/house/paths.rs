//! The paths a source names: in `use` lines, grouped or not, and in code.

use crate::lexer::{Kind, Token};
use crate::repository::Source;

/// One path with `crate`, `self` and `super` resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Where the path begins.
    pub(crate) base: Base,
    /// The parts after the base; a glob ends in `*`.
    pub(crate) parts: Vec<String>,
    /// The line it stands on.
    pub(crate) line: usize,
}

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// The root of this crate.
    Crate,
    /// Another crate, or a name that is in scope.
    Outside,
}

/// All paths of two or more parts that `source` names, and all that it imports.
pub(crate) fn named(source: &Source) -> Vec<Named> {
    Walker {
        tokens: &source.tokens,
        module: source.module().unwrap_or_default(),
        inner: Vec::new(),
        found: Vec::new(),
    }
    .walk()
}

struct Walker<'a> {
    tokens: &'a [Token],
    /// The module of the file.
    module: Vec<String>,
    /// The inline modules around the current token: `Some(name)` for a module, `None` for a block.
    inner: Vec<Option<String>>,
    found: Vec<Named>,
}

impl Walker<'_> {
    fn walk(mut self) -> Vec<Named> {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            at = match &token.kind {
                Kind::Word(word) if word == "use" && !self.follows_separator(at) => {
                    self.tree(at + 1, &[])
                }
                Kind::Word(word) if word == "mod" && self.mark(at + 2, '{') => {
                    self.inner.push(self.word(at + 1).map(str::to_owned));
                    at + 3
                }
                Kind::Word(_) | Kind::PathSeparator => self.path(at),
                Kind::Mark('{') => {
                    self.inner.push(None);
                    at + 1
                }
                Kind::Mark('}') => {
                    self.inner.pop();
                    at + 1
                }
                _ => at + 1,
            };
        }
        self.found
    }

    /// Reads one path of code; returns where it ends.
    fn path(&mut self, start: usize) -> usize {
        let mut at = start;
        let mut parts = Vec::new();
        if self.separator(at) {
            at += 1;
        }
        while let Some(word) = self.word(at) {
            parts.push(word.to_owned());
            at += 1;
            if !self.separator(at) || self.word(at + 1).is_none() {
                break;
            }
            at += 1;
        }
        if parts.len() > 1 && !self.follows_separator(start) {
            self.keep(start, parts);
        }
        at.max(start + 1)
    }

    /// Reads one tree of a `use` item after `prefix`; returns where it ends.
    fn tree(&mut self, start: usize, prefix: &[String]) -> usize {
        let mut at = start;
        let mut parts = prefix.to_vec();
        loop {
            if self.separator(at) {
                at += 1;
            } else if let Some(word) = self.word(at) {
                if word == "as" {
                    parts.push("as".to_owned());
                    self.keep(start, parts);
                    return at + 2;
                }
                parts.push(word.to_owned());
                at += 1;
            } else if self.mark(at, '*') {
                parts.push("*".to_owned());
                self.keep(start, parts);
                return at + 1;
            } else if self.mark(at, '{') {
                at += 1;
                while at < self.tokens.len() && !self.mark(at, '}') {
                    at = self.tree(at, &parts);
                    at += usize::from(self.mark(at, ','));
                }
                return at + 1;
            } else {
                self.keep(start, parts);
                return at.max(start + 1);
            }
        }
    }

    fn keep(&mut self, start: usize, mut parts: Vec<String>) {
        let line = self.tokens.get(start).map_or(0, |token| token.line);
        if parts.len() > 2 && parts.last().is_some_and(|part| part == "as") {
            // A new name for something below the root changes nothing about where it comes from.
            parts.pop();
        }
        let mut place = self.module.clone();
        place.extend(self.inner.iter().flatten().cloned());
        let mut base = Base::Outside;
        let mut rest = parts.as_slice();
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "crate" => place.clear(),
                "super" => drop(place.pop()),
                "self" => {}
                _ => break,
            }
            base = Base::Crate;
            rest = tail;
        }
        let mut whole = match base {
            Base::Crate => place,
            Base::Outside => Vec::new(),
        };
        whole.extend(rest.iter().cloned());
        if whole.len() > 1 && whole.last().is_some_and(|part| part == "self") {
            whole.pop();
        }
        self.found.push(Named {
            base,
            parts: whole,
            line,
        });
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).and_then(Token::word)
    }

    fn mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(mark))
    }

    fn separator(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind == Kind::PathSeparator)
    }

    fn follows_separator(&self, at: usize) -> bool {
        at.checked_sub(1)
            .is_some_and(|before| self.separator(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths in the crate as `crate::a::b`, others as they are.
    fn list(path: &str, text: &str) -> Vec<String> {
        named(&Source::new(path, text))
            .into_iter()
            .map(|named| match named.base {
                Base::Crate => format!("crate::{}", named.parts.join("::")),
                Base::Outside => named.parts.join("::"),
            })
            .collect()
    }

    #[test]
    fn a_grouped_use_is_several_paths() {
        let text = "pub(crate) use crate::{a::{self, b as c}, d::*, e};";
        assert_eq!(
            list("src/x/y.rs", text),
            ["crate::a", "crate::a::b", "crate::d::*", "crate::e"]
        );
    }

    #[test]
    fn super_is_resolved_from_files_and_inline_modules() {
        let text = "use super::z; mod tests { use super::w; use super::super::super::v; }";
        assert_eq!(
            list("src/x/y.rs", text),
            ["crate::x::z", "crate::x::y::w", "crate::v"]
        );
        assert_eq!(list("src/x/mod.rs", "use super::v;"), ["crate::v"]);
    }

    #[test]
    fn an_inline_module_ends_with_its_brace() {
        let text = "mod a { fn f() { if x {} } } use super::w;";
        assert_eq!(list("src/x/y.rs", text), ["crate::x::w"]);
    }

    #[test]
    fn code_and_attributes_name_paths_too() {
        let text = "#[derive(clap::Args)] fn f() -> crate::a::B { super::c::d(Vec::<u8>::new()) }";
        assert_eq!(
            list("src/x/y.rs", text),
            ["clap::Args", "crate::a::B", "crate::x::c::d"]
        );
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        let text = "/// [`crate::a::B`]\nfn f() { g(\"crate::a::b\") } // crate::a::b";
        assert!(list("src/x/y.rs", text).is_empty());
    }

    #[test]
    fn a_new_name_for_the_whole_crate_stays_visible() {
        assert_eq!(list("src/x/y.rs", "use crate as all;"), ["crate::as"]);
        assert_eq!(list("src/x.rs", "use super::*;"), ["crate::*"]);
    }
}
