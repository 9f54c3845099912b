//! The little Markdown that the specification needs.

use std::path::{Path, PathBuf};

/// The folder of the specification.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("format-spec")
}

/// One page of it.
pub(crate) fn page(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines between `<!-- marker -->` and the closing marker of the same kind.
pub(crate) fn between<'a>(page: &'a str, marker: &str) -> Vec<&'a str> {
    let open = format!("<!-- {marker} -->");
    let kind = marker.split(':').next().unwrap_or_default();
    let close = format!("<!-- /{kind} -->");
    let start = page
        .find(&open)
        .unwrap_or_else(|| panic!("no marker {open}"))
        + open.len();
    let length = page[start..]
        .find(&close)
        .unwrap_or_else(|| panic!("no marker {close}"));
    page[start..start + length]
        .lines()
        .filter(|line| !line.is_empty())
        .collect()
}

/// The cells of a table's rows, without heading and rule.
pub(crate) fn rows(lines: &[&str]) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim()
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    lines
        .iter()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| cells(line))
        .collect()
}
