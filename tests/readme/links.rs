//! Links between the pages of the repository.

use std::path::{Path, PathBuf};

/// Every relative link in a Markdown page below `root` that leads to nothing, as `page: link`.
pub(crate) fn broken(root: &Path) -> Vec<String> {
    let mut pages = Vec::new();
    collect(root, &mut pages);
    assert!(pages.len() > 3, "the walk sees the pages");
    let mut found = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a readable page");
        let directory = page.parent().unwrap_or(root);
        for link in targets(&text) {
            let file = link.split('#').next().unwrap_or_default();
            let outside = link.contains("://") || link.starts_with("mailto:");
            if !outside && !file.is_empty() && !directory.join(file).exists() {
                let page = page.strip_prefix(root).unwrap_or(&page);
                found.push(format!("{}: {link}", page.display()));
            }
        }
    }
    found
}

/// What stands between `](` and `)`, outside code.
fn targets(text: &str) -> Vec<&str> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if !in_code {
            let rest = line.split("](").skip(1);
            found.extend(rest.filter_map(|rest| rest.split(')').next()));
        }
    }
    found
}

fn collect(directory: &Path, pages: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let skipped = matches!(name, Some("target" | ".git" | "corpus"));
        if path.is_dir() && !skipped {
            collect(&path, pages);
        } else if path.extension().is_some_and(|kind| kind == "md") {
            pages.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_code_are_no_links() {
        let text = "a [b](c.md#d) [e](https://f)\n```\n[g](h)\n```\n[i](j)";
        assert_eq!(targets(text), ["c.md#d", "https://f", "j"]);
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        let root = tempfile::tempdir().expect("a fresh directory");
        for (name, text) in [
            (
                "a.md",
                "[there](b.md) [gone](gone.md) [web](https://example.org)",
            ),
            ("b.md", "[here](#x)"),
            ("c.md", ""),
            ("d.md", ""),
        ] {
            std::fs::write(root.path().join(name), text).expect("a page");
        }
        assert_eq!(broken(root.path()), ["a.md: gone.md"]);
    }
}
