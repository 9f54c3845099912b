//! No forgotten file: with `autotests = false`, a test that nobody lists never runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::lexer::{Kind, Token};
use crate::repository::{Problem, Source};

/// Finds sources in `src/`, `tests/` and `benches/` that no target reaches through its `mod` items,
/// and targets whose file is not there.
pub(crate) fn check(sources: &[Source], cargo_toml: &str) -> Vec<Problem> {
    let by_path: BTreeMap<&str, &Source> = sources
        .iter()
        .map(|source| (source.path.as_str(), source))
        .collect();
    let mut problems = Vec::new();
    let mut queue = vec!["src/lib.rs".to_owned()];
    queue.extend(
        by_path
            .keys()
            .filter(|path| path.starts_with("src/bin/") && path.matches('/').count() == 2)
            .map(|path| (*path).to_owned()),
    );
    for target in targets(cargo_toml) {
        if !by_path.contains_key(target.as_str()) {
            problems.push(problem(
                "Cargo.toml",
                format!("lists {target}, which is missing"),
            ));
        }
        queue.push(target);
    }
    let mut reached = BTreeSet::new();
    while let Some(path) = queue.pop() {
        if let Some(source) = by_path.get(path.as_str())
            && reached.insert(path)
        {
            queue.extend(declared(source).into_iter().flatten());
        }
    }
    let forgotten = by_path
        .keys()
        .filter(|path| {
            ["src/", "tests/", "benches/"]
                .iter()
                .any(|top| path.starts_with(top))
        })
        .filter(|path| !reached.contains(**path));
    problems.extend(forgotten.map(|path| {
        problem(
            path,
            "no `mod` item and no target of Cargo.toml leads to this file",
        )
    }));
    problems
}

fn problem(path: &str, text: impl Into<String>) -> Problem {
    Problem {
        path: path.to_owned(),
        line: 1,
        text: text.into(),
    }
}

/// The files of the `[[test]]`, `[[bench]]` and `[[example]]` targets.
fn targets(cargo_toml: &str) -> Vec<String> {
    let manifest: toml::Table = cargo_toml.parse().expect("Cargo.toml");
    let mut found = Vec::new();
    for (kind, directory) in [
        ("test", "tests"),
        ("bench", "benches"),
        ("example", "examples"),
    ] {
        let list = manifest.get(kind).and_then(toml::Value::as_array);
        for target in list.into_iter().flatten() {
            let text = |key| target.get(key).and_then(toml::Value::as_str);
            let name = text("name").unwrap_or_default();
            let path = text("path").map_or_else(|| format!("{directory}/{name}.rs"), str::to_owned);
            found.push(path);
        }
    }
    found
}

/// For each `mod name;` of a source, the files it may mean.
fn declared(source: &Source) -> Vec<Vec<String>> {
    let (directory, own) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let is_root = matches!(own, "mod.rs" | "lib.rs" | "main.rs")
        || source.path.starts_with("src/bin/")
        || ["tests", "benches"].contains(&directory);
    let stem = own.strip_suffix(".rs").unwrap_or(own);
    let below = if is_root {
        directory.to_owned()
    } else {
        format!("{directory}/{stem}")
    };
    let mut found = Vec::new();
    let mut path_attribute = None;
    for window in source.tokens.windows(3) {
        match window {
            [key, equals, text] if key.word() == Some("path") && equals.is('=') => {
                if let Kind::Text(text) = &text.kind {
                    path_attribute = Some(join(directory, text));
                }
            }
            [keyword, name, end] if keyword.word() == Some("mod") && end.is(';') => {
                let name = Token::word(name).unwrap_or_default();
                let usual = vec![
                    format!("{below}/{name}.rs"),
                    format!("{below}/{name}/mod.rs"),
                ];
                found.push(path_attribute.take().map_or(usual, |path| vec![path]));
            }
            _ => {}
        }
    }
    found
}

/// `directory` and `relative` as one path, `..` resolved.
fn join(directory: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = directory.split('/').collect();
    for part in relative.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARGO: &str =
        "[[test]]\nname = \"a\"\npath = \"tests/a/main.rs\"\n[[test]]\nname = \"b\"\n";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = [
            ("src/lib.rs", "mod x;"),
            ("src/x/mod.rs", "mod y;"),
            ("src/x/y.rs", "mod z;"),
            ("src/x/y/z.rs", ""),
            ("src/bin/isi.rs", ""),
            (
                "tests/a/main.rs",
                "mod c; #[path = \"../common/d.rs\"] mod d;",
            ),
            ("tests/a/c.rs", ""),
            ("tests/common/d.rs", ""),
            ("tests/b.rs", ""),
        ]
        .iter()
        .chain(files)
        .map(|(path, text)| Source::new(path, text))
        .collect();
        check(&sources, CARGO)
            .into_iter()
            .map(|problem| problem.path)
            .collect()
    }

    #[test]
    fn files_that_are_reached_are_fine() {
        assert!(found(&[]).is_empty());
    }

    #[test]
    fn a_forgotten_file_is_found() {
        for path in [
            "tests/forgotten.rs",
            "tests/forgotten/main.rs",
            "tests/a/forgotten.rs",
            "src/x/forgotten.rs",
            "src/forgotten.rs",
            "benches/forgotten.rs",
        ] {
            assert_eq!(found(&[(path, "")]), [path]);
        }
    }

    #[test]
    fn a_name_in_a_comment_does_not_count() {
        let files = [("tests/a/c.rs", "// mod e;"), ("tests/a/c/e.rs", "")];
        assert_eq!(found(&files), ["tests/a/c/e.rs"]);
    }

    #[test]
    fn a_target_without_a_file_is_found() {
        let problems = check(&[Source::new("src/lib.rs", "")], CARGO);
        assert_eq!(problems.len(), 2);
        assert!(
            problems[0]
                .text
                .contains("tests/a/main.rs, which is missing")
        );
    }
}
