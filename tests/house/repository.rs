//! The repository as values: every text file, every Rust source as tokens.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::lexer::{self, Token};

/// Directories that hold nothing written by hand.
const SKIPPED: [&str; 5] = [".git", "target", "artifacts", "corpus", "coverage"];

/// One finding: where, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// A text file, its path relative to the repository with `/` between the parts.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A Rust source file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
}

impl Source {
    /// Reads `text` as the source at `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens: lexer::tokens(text),
        }
    }

    /// A finding at `line` of this file.
    pub(crate) fn problem(&self, line: usize, text: impl Into<String>) -> Problem {
        Problem {
            path: self.path.clone(),
            line,
            text: text.into(),
        }
    }

    /// The module path below the crate root; `None` outside `src/` and for the binaries.
    pub(crate) fn module(&self) -> Option<Vec<String>> {
        let inside = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let mut parts: Vec<String> = inside.split('/').map(str::to_owned).collect();
        if parts.first().is_some_and(|part| part == "bin") {
            return None;
        }
        if parts
            .last()
            .is_some_and(|part| part == "mod" || part == "lib")
        {
            parts.pop();
        }
        Some(parts)
    }
}

/// Everything the rules look at.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) sources: Vec<Source>,
    pub(crate) texts: Vec<Text>,
    pub(crate) cargo_toml: String,
}

impl Repository {
    /// Where the repository lies.
    pub(crate) fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    /// Reads the repository.
    pub(crate) fn load() -> Self {
        let root = Self::root();
        let mut texts = Vec::new();
        walk(&root, &root, &mut texts);
        texts.sort_by(|a, b| a.path.cmp(&b.path));
        let sources = texts
            .iter()
            .filter(|text| Path::new(&text.path).extension() == Some("rs".as_ref()))
            .map(|text| Source::new(&text.path, &text.text))
            .collect();
        let cargo_toml = std::fs::read_to_string(root.join("Cargo.toml")).expect("Cargo.toml");
        Self {
            sources,
            texts,
            cargo_toml,
        }
    }
}

fn walk(root: &Path, directory: &Path, texts: &mut Vec<Text>) {
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let entry = entry.expect("a readable entry");
        let path = entry.path();
        let kind = entry.file_type().expect("a file type");
        let skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() && !skipped {
            walk(root, &path, texts);
        } else if kind.is_file() && !skipped {
            let bytes = std::fs::read(&path).expect("a readable file");
            let relative = path.strip_prefix(root).expect("below the root");
            if let (Ok(text), Some(path)) = (String::from_utf8(bytes), relative.to_str()) {
                let path = path.to_owned();
                texts.push(Text { path, text });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_module() {
        let module = |path| Source::new(path, "").module().map(|parts| parts.join("::"));
        assert_eq!(module("src/lib.rs").as_deref(), Some(""));
        assert_eq!(module("src/digest.rs").as_deref(), Some("digest"));
        assert_eq!(module("src/trust/mod.rs").as_deref(), Some("trust"));
        assert_eq!(
            module("src/trust/cms/der.rs").as_deref(),
            Some("trust::cms::der")
        );
        assert_eq!(module("src/bin/isi.rs"), None);
        assert_eq!(module("tests/house/main.rs"), None);
    }
}
