//! What a source file looks like: its length, its letters, its first line, and no trace of a machine.

use std::path::Path;

use crate::repository::{Problem, Source, Text};

/// Most lines in one source file.
const MAX_LINES: usize = 800;

/// Most lines in one binary: it only calls the library.
const MAX_BINARY_LINES: usize = 15;

/// Where people keep their files; nothing in the repository depends on it.
const HOMES: [&str; 3] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
];

/// Finds files that are too long to hold one idea.
pub(crate) fn check_length(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        let binary = source.path.starts_with("src/bin/");
        let limit = if binary { MAX_BINARY_LINES } else { MAX_LINES };
        let lines = source.text.lines().count();
        if lines > limit {
            problems.push(source.problem(limit + 1, format!("{lines} lines, at most {limit}")));
        }
    }
    problems
}

/// Finds letters beyond ASCII: two that look alike are two different names, so they are escaped.
pub(crate) fn check_ascii(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            if let Some(c) = line.chars().find(|c| !c.is_ascii()) {
                let text = format!("{c:?} is not ASCII: write {}", c.escape_unicode());
                problems.push(source.problem(index + 1, text));
            }
        }
    }
    problems
}

/// Finds modules, binaries, tests and tools that do not begin by saying what they are.
pub(crate) fn check_header(sources: &[Source]) -> Vec<Problem> {
    sources
        .iter()
        .filter(|source| needs_header(&source.path) && !source.text.starts_with("//! "))
        .map(|source| source.problem(1, "the file does not begin with `//! ` and what it is for"))
        .collect()
}

fn needs_header(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["src" | "tests" | "benches" | "examples", _] | ["src", "bin", _] => true,
        [.., name] => matches!(*name, "mod.rs" | "main.rs" | "lib.rs"),
        [] => false,
    }
}

/// Finds paths of somebody's machine: home directories, and the place this repository lies in.
pub(crate) fn check_machine_paths(texts: &[Text], root: &Path) -> Vec<Problem> {
    let root = root.to_str().filter(|root| root.len() > 4);
    let mut problems = Vec::new();
    for Text { path, text } in texts {
        for (index, line) in text.lines().enumerate() {
            let found = HOMES
                .into_iter()
                .chain(root)
                .find(|place| names_place(line, place));
            if let Some(place) = found {
                problems.push(Problem {
                    path: path.clone(),
                    line: index + 1,
                    text: format!("names a place on a developer's machine: {place}"),
                });
            }
        }
    }
    problems
}

/// Whether `place` stands in `line` as the beginning of an absolute path.
fn names_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '}' | '>'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_after_the_last_allowed_one_is_found() {
        let lines = |count| "x\n".repeat(count);
        let at_limit = Source::new("src/a.rs", &lines(MAX_LINES));
        let over = Source::new("src/b.rs", &lines(MAX_LINES + 1));
        let binary = Source::new("src/bin/c.rs", &lines(MAX_BINARY_LINES + 1));
        let found = check_length(&[at_limit, over, binary]);
        let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["src/b.rs", "src/bin/c.rs"]);
    }

    #[test]
    fn a_letter_beyond_ascii_is_found() {
        let source = Source::new("src/a.rs", "fine\n// na\u{ef}ve\n");
        let found = check_ascii(&[source]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
        assert!(found[0].text.contains("\\u{ef}"));
    }

    #[test]
    fn a_module_without_a_header_is_found() {
        let bare = "use std::io;\n";
        for path in [
            "src/a.rs",
            "src/a/mod.rs",
            "src/bin/a.rs",
            "tests/a/main.rs",
            "xtask/src/main.rs",
        ] {
            assert_eq!(check_header(&[Source::new(path, bare)]).len(), 1, "{path}");
            assert!(check_header(&[Source::new(path, "//! Says.\n")]).is_empty());
        }
        assert!(check_header(&[Source::new("src/a/b.rs", bare)]).is_empty());
    }

    #[test]
    fn a_path_of_a_machine_is_found() {
        let root = Path::new("/data/checkout");
        let text = |text: String| Text {
            path: "README.md".into(),
            text,
        };
        for home in HOMES {
            let planted = text(format!("fine\nsee {home}jane/notes"));
            let found = check_machine_paths(&[planted], root);
            assert_eq!(found.len(), 1, "{home}");
            assert_eq!(found[0].line, 2);
        }
        let planted = text("cd /data/checkout/src".into());
        assert_eq!(check_machine_paths(&[planted], root).len(), 1);
        let fine = text(format!("D{}x and /usr/share/doc", HOMES[0]));
        assert!(check_machine_paths(&[fine], root).is_empty());
    }
}
