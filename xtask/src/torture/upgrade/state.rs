//! What can be seen of a system from outside: its files, read as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::site::Site;
use super::tree::Tree;
use crate::shell::Outcome;

/// Everything that can be seen.
#[derive(Debug, Default, Clone)]
pub struct State {
    /// The environments, by name.
    pub trees: BTreeMap<String, Tree>,
    /// What boots, what is recorded and what is kept besides, one line each; without times.
    pub facts: BTreeSet<String>,
    /// What belongs to nothing: environments and files that were being made.
    pub litter: BTreeSet<String>,
    /// Whether a journal says that an upgrade is running.
    pub running: bool,
}

impl State {
    /// Looks at a machine without running anything of ours.
    pub fn look(site: &Site) -> Outcome<Self> {
        let mut state = Self::default();
        for name in names(&site.environments())? {
            if name.starts_with('.') {
                state.litter.insert(format!("environments/{name}"));
            } else {
                let tree = Tree::read(&site.environments().join(&name))?;
                state.facts.insert(format!("environment {name}"));
                state.trees.insert(name, tree);
            }
        }
        let system = site.path("system");
        for directory in [
            "loader",
            "records",
            "base",
            "kernels",
            "conflicts",
            "checks",
        ] {
            state.add(&system, Path::new(directory))?;
        }
        state.add(&system, Path::new("system.json"))?;
        if let Ok(link) = fs::read_link(system.join("current")) {
            state.facts.insert(format!("current {}", link.display()));
        }
        state.running = is_running(&system)?;
        Ok(state)
    }

    /// Adds files below `name`, with what is in them.
    fn add(&mut self, system: &Path, name: &Path) -> Outcome {
        let path = system.join(name);
        let hidden = |name: &Path| {
            let name = name.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with('.')
        };
        if hidden(name) {
            self.litter.insert(name.display().to_string());
        } else if path.is_dir() {
            for child in names(&path)? {
                self.add(system, &name.join(child))?;
            }
        } else if path.exists() {
            let text = timeless(&String::from_utf8_lossy(&fs::read(&path)?));
            self.facts.insert(format!("{} {text}", name.display()));
        }
        Ok(())
    }

    /// What one has and the other has not, for people.
    pub fn difference(&self, expected: &Self) -> String {
        let more = self
            .facts
            .difference(&expected.facts)
            .map(|fact| format!("+ {fact}"));
        let less = expected
            .facts
            .difference(&self.facts)
            .map(|fact| format!("- {fact}"));
        more.chain(less).collect::<Vec<_>>().join("; ")
    }
}

/// Whether there is a journal that has no end.
fn is_running(system: &Path) -> Outcome<bool> {
    let journal = system.join("upgrade/journal.jsonl");
    if !journal.exists() {
        return Ok(false);
    }
    let bytes = fs::read(journal)?;
    let text = String::from_utf8_lossy(&bytes);
    // A line that is torn does not count.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let last = whole.lines().last().unwrap_or_default();
    Ok(!last.contains(r#""record":"end""#))
}

/// The names in a directory; none if there is no such directory.
fn names(directory: &Path) -> Outcome<Vec<String>> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// `text` on one line, with every time in it replaced and the random ID of the system: two runs never agree
/// on those.
fn timeless(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = Vec::new();
    for part in line.split_inclusive(['"', ' ']) {
        let is_time = part.len() > 19
            && part.is_ascii()
            && part.get(4..5) == Some("-")
            && part.get(10..11) == Some("T")
            && part.get(13..14) == Some(":");
        let is_random = part.len() == 33 && part.bytes().take(32).all(|c| c.is_ascii_hexdigit());
        parts.push(if is_time || is_random { "ANY\"" } else { part });
    }
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_chance_do_not_count() {
        let one = "{\n  \"name\": \"a b\",\n  \"created\": \"2026-11-22T07:03:34.123Z\",\n  \
                   \"target\": \"00112233445566778899aabbccddeeff\"\n}\n";
        let two = one
            .replace("07:03:34.123", "08:00:00")
            .replace("00112233", "ffffffff");
        assert_ne!(one, two);
        assert_eq!(timeless(one), timeless(&two));
        assert_ne!(timeless(one), timeless(&one.replace("a b", "a c")));
    }
}
