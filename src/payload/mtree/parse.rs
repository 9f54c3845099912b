use std::collections::BTreeMap;

use super::error::{MtreeError, MtreeRule};
use super::facts::{Facts, Kind, unescaped};
use crate::payload::EntryPath;
use crate::payload::limits::MAX_LIST_LENGTH;
use crate::payload::name::escaped;

/// Everything that is said, by path; the root of the tree has no entry.
pub(super) fn entries(bytes: &[u8]) -> Result<BTreeMap<EntryPath, Facts>, MtreeError> {
    if bytes.len() > MAX_LIST_LENGTH {
        let (limit, found) = (MAX_LIST_LENGTH, bytes.len());
        let rule = MtreeRule::TooLong { limit, found };
        return Err(MtreeError { line: 1, rule });
    }
    let mut reader = Reader::default();
    let mut lines = bytes.split(|byte| *byte == b'\n').enumerate();
    while let Some((index, line)) = lines.next() {
        let mut whole = line.to_vec();
        // A backslash at the end joins the next line.
        while whole.last() == Some(&b'\\') {
            whole.pop();
            whole.push(b' ');
            let Some((_, next)) = lines.next() else { break };
            whole.extend_from_slice(next);
        }
        let line = index + 1;
        reader
            .line(&whole, line)
            .map_err(|rule| MtreeError { line, rule })?;
    }
    Ok(reader.entries)
}

#[derive(Debug, Default)]
struct Reader {
    /// What `/set` said last.
    defaults: Facts,
    /// The directory that names without a slash are in.
    here: Vec<Vec<u8>>,
    /// Whether the root itself has been entered, so that it can be left.
    in_root: bool,
    entries: BTreeMap<EntryPath, Facts>,
}

impl Reader {
    fn line(&mut self, line: &[u8], number: usize) -> Result<(), MtreeRule> {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        match words.next() {
            None => Ok(()),
            Some(comment) if comment.starts_with(b"#") => Ok(()),
            Some(b"/set") => words.try_for_each(|word| self.defaults.take(word)),
            Some(b"/unset") => {
                words.for_each(|word| self.defaults.forget(word));
                Ok(())
            }
            Some(special) if special.starts_with(b"/") => Err(MtreeRule::Special(escaped(special))),
            Some(b"..") => {
                let left = self.here.pop().is_some() || std::mem::take(&mut self.in_root);
                left.then_some(()).ok_or(MtreeRule::Above)
            }
            Some(name) => {
                let mut facts = Facts {
                    line: number,
                    ..self.defaults.clone()
                };
                words.try_for_each(|word| facts.take(word))?;
                self.entry(name, facts)
            }
        }
    }

    fn entry(&mut self, name: &[u8], facts: Facts) -> Result<(), MtreeRule> {
        // Whether it is a full path is seen before escapes are resolved, as `mtree(8)` does it.
        let full = name.contains(&b'/');
        let name = unescaped(name)?;
        if name == b"." || name == b"./" {
            self.here.clear();
            self.in_root = true;
            return Ok(());
        }
        let bytes = if full {
            name.strip_prefix(b"./").unwrap_or(&name).to_vec()
        } else {
            let names = self.here.iter().map(Vec::as_slice);
            names
                .chain([name.as_slice()])
                .collect::<Vec<_>>()
                .join(&b'/')
        };
        let path = EntryPath::new(&bytes).map_err(|rule| MtreeRule::Name {
            name: escaped(&bytes),
            rule,
        })?;
        if !full && facts.kind == Some(Kind::Directory) {
            self.here.push(name);
        }
        match self.entries.get(&path) {
            Some(before) if !before.agrees_with(&facts) => Err(MtreeRule::Contradiction {
                name: path.to_string(),
                before: before.line,
            }),
            Some(_) => Ok(()),
            None => {
                self.entries.insert(path, facts);
                Ok(())
            }
        }
    }
}

impl Facts {
    fn agrees_with(&self, other: &Self) -> bool {
        let line = self.line;
        *self
            == Self {
                line,
                ..other.clone()
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{DeviceNumber, Mtime};

    fn read(text: &str) -> Vec<(String, Facts)> {
        let entries = entries(text.as_bytes()).unwrap();
        entries
            .into_iter()
            .map(|(path, facts)| (path.to_string(), facts))
            .collect()
    }

    #[test]
    fn names_follow_directories_and_full_paths_stand_alone() {
        let read = read(
            "#mtree\n/set type=file uid=0 gid=0 mode=0644\n.  type=dir\n  bin type=dir mode=0755\n\
             \x20   su mode=04755 \\\n    uid=7\n    ..\n./etc/shadow mode=0600 gid=42\n  x\n..\n",
        );
        let said: Vec<_> = read
            .iter()
            .map(|(path, facts)| (path.as_str(), facts.mode, facts.uid, facts.line))
            .collect();
        assert_eq!(
            said,
            [
                ("bin", Some(0o755), Some(0), 4),
                ("bin/su", Some(0o4755), Some(7), 5),
                ("etc/shadow", Some(0o600), Some(0), 8),
                ("x", Some(0o644), Some(0), 9),
            ]
        );
    }

    #[test]
    fn every_keyword_is_read_and_unset() {
        let read = read(
            "/set type=char device=native,5,1 time=12.000000034 mode=600 optional link=a\\040b\n\
             ./one size=0 sha256digest=00 nlink=1\n/unset type device time mode optional link\n./two\n",
        );
        let one = &read[0].1;
        assert_eq!(one.kind, Some(Kind::Character));
        assert_eq!(one.device, Some(DeviceNumber { major: 5, minor: 1 }));
        let (seconds, nanoseconds) = (12, 34);
        assert_eq!(
            one.mtime,
            Some(Mtime {
                seconds,
                nanoseconds
            })
        );
        assert_eq!(one.link.as_deref(), Some("a b".as_ref()));
        assert!(one.optional);
        let two = Facts {
            line: 4,
            ..Facts::default()
        };
        assert_eq!(read[1].1, two);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (text, line, code) in [
            ("a\nb mode=0888", 2, "E_MTREE"),
            ("a mode=10000", 1, "E_MTREE"),
            ("a mode=+7", 1, "E_MTREE"),
            ("a mode=u+x", 1, "E_MTREE"),
            ("a uid=-1", 1, "E_MTREE"),
            ("a uid=4294967295", 1, "E_MTREE"),
            ("a uid=root", 1, "E_MTREE"),
            ("a type=socket", 1, "E_MTREE"),
            ("a device=5", 1, "E_MTREE"),
            ("a device=native,1,2,3", 1, "E_MTREE"),
            ("a time=1.1000000000", 1, "E_MTREE"),
            ("a contents=other", 1, "E_MTREE"),
            ("a colour=red", 1, "E_MTREE"),
            ("\n/include x", 2, "E_MTREE"),
            ("a\\9", 1, "E_MTREE"),
            ("a\\400", 1, "E_MTREE"),
            ("a uid=1\na uid=2", 2, "E_MTREE"),
            ("d type=dir\n..\n..", 3, "E_NAME"),
            ("../x", 1, "E_NAME"),
            ("a/../../x", 1, "E_NAME"),
            ("a\\000", 1, "E_NAME"),
        ] {
            let error = entries(text.as_bytes()).unwrap_err();
            assert_eq!(
                (error.line, error.code()),
                (line, code),
                "{text:?}: {error}"
            );
        }
    }

    #[test]
    fn a_specification_has_a_longest_length() {
        let mut text = vec![b'\n'; MAX_LIST_LENGTH];
        assert!(entries(&text).unwrap().is_empty());
        text.push(b'\n');
        assert_eq!(entries(&text).unwrap_err().code(), "E_TOO_LARGE");
    }
}
