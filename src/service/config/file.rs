use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::parse_duration;
use super::error::{ConfigError, ConfigFault};
use super::key::{Key, ValueKind};
use crate::fsio;
use crate::payload::lists::{ListError, PathPattern};
use crate::system::EnvName;

/// Most bytes of a configuration file.
pub const MAX_CONFIG_FILE: u64 = 64 * 1024;

/// The table whose keys are the names of jails.
const JAILS: &str = "jails";

/// Most characters of a message or value from the file that are repeated in an error.
const MAX_REPEATED: usize = 200;

/// What one configuration file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFile {
    paths: BTreeMap<Key, Entry<PathBuf>>,
    durations: BTreeMap<Key, Entry<Duration>>,
    jails: BTreeMap<String, Entry<PathBuf>>,
    patterns: BTreeMap<Key, Entry<Vec<PathPattern>>>,
    kernel: Option<Entry<String>>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

impl ConfigFile {
    /// Reads the file; it must belong to root or the caller, and nobody else may write to it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = fsio::open_regular(path)?;
        fsio::expect_trusted(&file, path)?;
        let bytes = fsio::read_open(file, path, MAX_CONFIG_FILE)?;
        let text = String::from_utf8(bytes).map_err(|_| ConfigError::NotText {
            path: path.to_owned(),
        })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file that is at `path`; relative paths in it are relative to the file.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let refuse = |fault: Fault| {
            let (line, column) = place(text, fault.at);
            ConfigError::Content {
                path: path.to_owned(),
                line,
                column,
                fault: fault.what,
            }
        };
        Self::of_text(text, path.parent().unwrap_or(Path::new(""))).map_err(refuse)
    }

    /// The path that the file gives for `key`.
    pub(super) fn path(&self, key: Key) -> Option<&Entry<PathBuf>> {
        self.paths.get(&key)
    }

    /// The duration that the file gives for `key`.
    pub(super) fn duration(&self, key: Key) -> Option<&Entry<Duration>> {
        self.durations.get(&key)
    }

    /// The patterns that the file gives for `key`.
    pub(super) fn patterns(&self, key: Key) -> Option<&Entry<Vec<PathPattern>>> {
        self.patterns.get(&key)
    }

    /// The kernel that the file names.
    pub(super) fn kernel(&self) -> Option<&Entry<String>> {
        self.kernel.as_ref()
    }

    /// Where the systems of jails are, by the names of the jails.
    pub(super) fn jails(&self) -> impl Iterator<Item = (&String, &Entry<PathBuf>)> {
        self.jails.iter()
    }

    fn of_text(text: &str, directory: &Path) -> Result<Self, Fault> {
        let root = DeTable::parse(text).map_err(|error| Fault {
            at: error.span().map_or(0, |span| span.start),
            what: ConfigFault::Syntax(error.message().chars().take(MAX_REPEATED).collect()),
        })?;
        let mut read = Self::default();
        for (table, value) in in_order(root.get_ref()) {
            let name = table.get_ref().as_ref();
            if name == JAILS {
                let jails = value.get_ref().as_table().ok_or_else(|| Fault {
                    at: value.span().start,
                    what: ConfigFault::Type {
                        key: JAILS,
                        expected: "table",
                        found: value.get_ref().type_str(),
                    },
                })?;
                read.take_jails(text, jails, directory)?;
                continue;
            }
            let is_known = Key::ALL.iter().any(|key| table_of(*key) == name);
            let Some(entries) = value.get_ref().as_table().filter(|_| is_known) else {
                return Err(unknown(name, table.span()));
            };
            for (key, value) in in_order(entries) {
                let full = format!("{name}.{}", key.get_ref());
                let Some(known) = Key::ALL.into_iter().find(|key| key.name() == full) else {
                    return Err(unknown(&full, key.span()));
                };
                let line = place(text, key.span().start).0;
                read.take(known, value, line, directory)?;
            }
        }
        Ok(read)
    }

    fn take_jails(
        &mut self,
        text: &str,
        jails: &DeTable<'_>,
        directory: &Path,
    ) -> Result<(), Fault> {
        for (name, value) in in_order(jails) {
            let jail = name.get_ref().as_ref();
            if jail.parse::<EnvName>().is_err() {
                return Err(Fault {
                    at: name.span().start,
                    what: ConfigFault::JailName(jail.chars().take(MAX_REPEATED).collect()),
                });
            }
            let found = value.get_ref();
            let refuse = |what| Fault {
                at: value.span().start,
                what,
            };
            let path = found.as_str().ok_or_else(|| {
                refuse(ConfigFault::Type {
                    key: JAILS,
                    expected: "string",
                    found: found.type_str(),
                })
            })?;
            let value = below(directory, JAILS, path).map_err(refuse)?;
            let line = place(text, name.span().start).0;
            self.jails.insert(jail.to_owned(), Entry { value, line });
        }
        Ok(())
    }

    fn take(
        &mut self,
        key: Key,
        value: &Spanned<DeValue<'_>>,
        line: usize,
        directory: &Path,
    ) -> Result<(), Fault> {
        let refuse = |what| Fault {
            at: value.span().start,
            what,
        };
        if key.kind() == ValueKind::Patterns {
            let value = patterns(key, value)?;
            self.patterns.insert(key, Entry { value, line });
            return Ok(());
        }
        let Some(text) = value.get_ref().as_str() else {
            return Err(refuse(ConfigFault::Type {
                key: key.name(),
                expected: "string",
                found: value.get_ref().type_str(),
            }));
        };
        match key.kind() {
            ValueKind::Path => {
                let value = below(directory, key.name(), text).map_err(refuse)?;
                self.paths.insert(key, Entry { value, line });
            }
            ValueKind::Duration => {
                let value = parse_duration(text).map_err(|source| {
                    refuse(ConfigFault::Duration {
                        key: key.name(),
                        found: text.chars().take(MAX_REPEATED).collect(),
                        source,
                    })
                })?;
                if key.takes_time() && value.is_zero() {
                    return Err(refuse(ConfigFault::NoTime { key: key.name() }));
                }
                self.durations.insert(key, Entry { value, line });
            }
            ValueKind::Name => {
                if text.parse::<EnvName>().is_err() {
                    return Err(refuse(ConfigFault::Name {
                        key: key.name(),
                        found: text.chars().take(MAX_REPEATED).collect(),
                    }));
                }
                let value = text.to_owned();
                self.kernel = Some(Entry { value, line });
            }
            ValueKind::Patterns => {}
        }
        Ok(())
    }
}

/// A path of the file, seen from the file.
fn below(directory: &Path, key: &'static str, text: &str) -> Result<PathBuf, ConfigFault> {
    if text.is_empty() || text.contains('\0') {
        let found = text.chars().take(MAX_REPEATED).collect();
        return Err(ConfigFault::Path { key, found });
    }
    Ok(directory.join(text))
}

/// What is wrong, and at which byte of the text.
struct Fault {
    at: usize,
    what: ConfigFault,
}

/// A list of strings, each a pattern.
fn patterns(key: Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<PathPattern>, Fault> {
    let of_type = |found: &Spanned<DeValue<'_>>, expected| Fault {
        at: found.span().start,
        what: ConfigFault::Type {
            key: key.name(),
            expected,
            found: found.get_ref().type_str(),
        },
    };
    let list = value.get_ref().as_array();
    let list = list.ok_or_else(|| of_type(value, "array"))?;
    let mut patterns = Vec::new();
    for item in list {
        let text = item.get_ref().as_str();
        let text = text.ok_or_else(|| of_type(item, "string"))?;
        let pattern = text.parse().map_err(|error: ListError| Fault {
            at: item.span().start,
            what: ConfigFault::Pattern {
                key: key.name(),
                found: text.chars().take(MAX_REPEATED).collect(),
                rule: error.rule,
            },
        });
        patterns.push(pattern?);
    }
    Ok(patterns)
}

fn unknown(key: &str, at: Range<usize>) -> Fault {
    Fault {
        at: at.start,
        what: ConfigFault::UnknownKey {
            nearest: nearest(key),
            key: key.chars().take(MAX_REPEATED).collect(),
        },
    }
}

/// The table that a key stands in.
fn table_of(key: Key) -> &'static str {
    key.name().split('.').next().unwrap_or_default()
}

/// The entries of a table as they stand in the file, so that the first fault is the one that is told.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(
    &'t Spanned<std::borrow::Cow<'i, str>>,
    &'t Spanned<DeValue<'i>>,
)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Line and character of a byte of the text, both counted from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let begin = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
    let column = before.get(begin..).unwrap_or_default().chars().count();
    (line, column.saturating_add(1))
}

/// The known key that most likely was meant, compared with its table and without.
fn nearest(wrong: &str) -> Option<&'static str> {
    let wrong = wrong.to_lowercase().replace('-', "_");
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let ranked = Key::ALL.iter().map(|key| {
        let distance = distance(&wrong, key.name()).min(distance(&last(&wrong), &last(key.name())));
        (distance, key.name())
    });
    // More than three letters apart is another word.
    ranked
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| name)
}

/// How many letters have to be put in, left out or replaced to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().take(MAX_REPEATED).collect();
    let mut row: Vec<usize> = (0..=one.len()).collect();
    for (index, letter) in other.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, own) in row.iter_mut().skip(1).zip(&one) {
            let replaced = diagonal.saturating_add(usize::from(*own != letter));
            diagonal = *cell;
            left = replaced
                .min(left.saturating_add(1))
                .min(cell.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, ConfigError> {
        ConfigFile::parse(text, Path::new("/etc/isi/upgrade.toml"))
    }

    /// Place and sentence of the refusal, and its hint.
    fn refused(text: &str) -> (usize, usize, String, Option<String>) {
        let error = parse(text).unwrap_err();
        assert_eq!(error.code(), "E_CONFIG", "{text:?}");
        let hint = error.hint();
        match error {
            ConfigError::Content {
                line,
                column,
                fault,
                ..
            } => (line, column, fault.to_string(), hint),
            other => panic!("{text:?}: {other}"),
        }
    }

    #[test]
    fn every_key_is_read_and_relative_paths_are_the_files_own() {
        let read = parse(
            "[paths]\ncatalog = \"/c\"\ntrust = \"trust\"\ncerts = \"../certs\"\n\
             tsa_certs = 't'\ncrls = \"r\"\nidentities = \"i.toml\"\nsystem = \"/s\"\n\
             [catalog]\nlock_timeout = \"2m\"\n[jails]\nweb = \"/web\"\n\"a.b\" = \"jails/a\"\n\
             [upgrade]\nhook_timeout = \"1h\"\nhealth_timeout = \"1ms\"\n",
        )
        .unwrap();
        let path = |key| read.path(key).unwrap();
        assert_eq!(path(Key::Catalog).value, Path::new("/c"));
        assert_eq!(path(Key::Catalog).line, 2);
        assert_eq!(path(Key::Trust).value, Path::new("/etc/isi/trust"));
        assert_eq!(path(Key::Certs).value, Path::new("/etc/isi/../certs"));
        assert_eq!(path(Key::TsaCerts).value, Path::new("/etc/isi/t"));
        assert_eq!(path(Key::Crls).value, Path::new("/etc/isi/r"));
        assert_eq!(path(Key::Identities).value, Path::new("/etc/isi/i.toml"));
        assert_eq!(path(Key::System).value, Path::new("/s"));
        let jails: Vec<_> = read
            .jails()
            .map(|(name, jail)| (name.as_str(), jail))
            .collect();
        assert_eq!(jails[0].0, "a.b");
        assert_eq!(jails[0].1.value, Path::new("/etc/isi/jails/a"));
        assert_eq!((jails[1].0, jails[1].1.line), ("web", 12));
        for (key, milliseconds, line) in [
            (Key::LockTimeout, 120_000, 10),
            (Key::HookTimeout, 3_600_000, 15),
            (Key::HealthTimeout, 1, 16),
        ] {
            let timeout = read.duration(key).unwrap();
            let found = (timeout.value.as_millis(), timeout.line);
            assert_eq!(found, (milliseconds, line), "{key:?}");
        }
        assert_eq!(parse("").unwrap(), ConfigFile::default());
        assert_eq!(parse("[paths]\n").unwrap(), ConfigFile::default());
        assert_eq!(
            parse("paths.trust = \"/t\"")
                .unwrap()
                .path(Key::Trust)
                .unwrap()
                .line,
            1
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
        for (text, place, key, nearest) in [
            (
                "[paths]\n  trsut = \"x\"",
                (2, 3),
                "paths.trsut",
                Some("paths.trust"),
            ),
            (
                "[paths]\ntsa-certs = \"x\"",
                (2, 1),
                "paths.tsa-certs",
                Some("paths.tsa_certs"),
            ),
            (
                "[catalog]\ntimeout = \"1s\"",
                (2, 1),
                "catalog.timeout",
                None,
            ),
            (
                "lock_timeout = \"1s\"",
                (1, 1),
                "lock_timeout",
                Some("catalog.lock_timeout"),
            ),
            ("[Paths]\ncatalog = \"x\"", (1, 2), "Paths", None),
            ("paths = \"x\"", (1, 1), "paths", None),
            ("[[paths]]\ntrust = \"x\"", (1, 3), "paths", None),
            ("[paths.trust]\ncerts = \"x\"", (1, 8), "paths.trust", None),
            ("[telemetry]", (1, 2), "telemetry", None),
            (
                "# \u{e9}\n[catalog]\ncatalog = \"/c\"",
                (3, 1),
                "catalog.catalog",
                Some("paths.catalog"),
            ),
        ] {
            let (line, column, sentence, hint) = refused(text);
            if key == "paths.trust" {
                assert_eq!(sentence, "paths.trust is of type table: expected string");
                continue;
            }
            assert_eq!((line, column), place, "{text:?}");
            assert_eq!(sentence, format!("{key:?} is not known here"));
            let expected = nearest.map(|nearest| format!("did you mean {nearest}?"));
            assert_eq!(hint, expected, "{text:?}");
        }
    }

    #[test]
    fn the_first_fault_of_the_file_is_told() {
        let (line, _, sentence, _) = refused("[paths]\nzebra = 1\nant = 2\n");
        assert_eq!(
            (line, sentence.as_str()),
            (2, "\"paths.zebra\" is not known here")
        );
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        for (text, place, sentence) in [
            (
                "[paths]\ntrust = 1",
                (2, 9),
                "paths.trust is of type integer: expected string",
            ),
            (
                "[paths]\ntrust = \"\"",
                (2, 9),
                "paths.trust is \"\": expected a path without NUL",
            ),
            (
                "[paths]\ntrust = \"a\\u0000b\"",
                (2, 9),
                "paths.trust is \"a\\0b\": expected a path without NUL",
            ),
            (
                "jails = \"x\"",
                (1, 9),
                "jails is of type string: expected table",
            ),
            (
                "[jails]\nweb = 1",
                (2, 7),
                "jails is of type integer: expected string",
            ),
            (
                "[jails]\nweb = \"\"",
                (2, 7),
                "jails is \"\": expected a path without NUL",
            ),
            (
                "[jails]\n\"../web\" = \"/w\"",
                (2, 1),
                "\"../web\" is no name of a jail: expected 1 to 64 of A-Z a-z 0-9 . _ -",
            ),
            (
                "[catalog]\nlock_timeout = 30",
                (2, 16),
                "catalog.lock_timeout is of type integer: expected string",
            ),
            (
                "[catalog]\nlock_timeout = \"soon\"",
                (2, 16),
                "catalog.lock_timeout is \"soon\": expected a whole number and ms, s, m, h or d, \
                 such as 30s or 2m, of at most 1000d",
            ),
            (
                "[upgrade]\nhook_timeout = \"0\"",
                (2, 16),
                "upgrade.hook_timeout is 0: no program ends in no time",
            ),
            (
                "[upgrade]\nhealth_timeout = \"0ms\"",
                (2, 18),
                "upgrade.health_timeout is 0: no program ends in no time",
            ),
        ] {
            let (line, column, found, _) = refused(text);
            assert_eq!(
                ((line, column), found.as_str()),
                (place, sentence),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_place() {
        for (text, line) in [
            ("[paths\n", 1),
            ("[paths]\ntrust = \"x", 2),
            ("[paths]\ntrust = $HOME", 2),
            ("[paths]\ntrust = \"a\"\ntrust = \"b\"", 3),
            ("\0", 1),
        ] {
            assert_eq!(refused(text).0, line, "{text:?}");
        }
        let deep = format!("paths = {}", "[".repeat(20_000));
        assert_eq!(parse(&deep).unwrap_err().code(), "E_CONFIG");
    }

    #[test]
    fn nothing_is_replaced_in_a_value() {
        let read = parse("[paths]\ntrust = \"$HOME/`id`/~/%h\"").unwrap();
        let expected = Path::new("/etc/isi/$HOME/`id`/~/%h");
        assert_eq!(read.path(Key::Trust).unwrap().value, expected);
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("upgrade.toml");
        let limit = usize::try_from(MAX_CONFIG_FILE).unwrap();
        std::fs::write(&path, " ".repeat(limit)).unwrap();
        assert_eq!(ConfigFile::read(&path).unwrap(), ConfigFile::default());
        std::fs::write(&path, " ".repeat(limit + 1)).unwrap();
        assert_eq!(ConfigFile::read(&path).unwrap_err().code(), "E_TOO_LARGE");
        std::fs::write(&path, b"# \xff").unwrap();
        assert_eq!(ConfigFile::read(&path).unwrap_err().code(), "E_CONFIG");
    }
}
