use std::fmt::Write as _;

use super::WhichKernel;
use crate::system::EnvName;

/// Most tries that an environment is given.
pub const MAX_TRIES: u32 = 99;
/// Tries that an environment is given unless somebody says otherwise.
pub const DEFAULT_TRIES: u32 = 3;

/// What every name of our entries begins with; other entries are somebody else's.
const PREFIX: &str = "isi-";
/// What the names of entries begin with that boot an environment with its old kernel; it is the beginning of
/// no other entry of ours.
const OLD_PREFIX: &str = "isi.old-";
/// What tells the kernel's command line that the old one was booted.
pub(super) const OLD_KERNEL: &str = "isi.kernel=old";
/// What every name of an entry ends with.
const SUFFIX: &str = ".conf";

/// How often an environment was tried, and how often it may still be.
///
/// Both numbers are in the name of the entry, `isi-NAME+LEFT-DONE.conf`, as the Boot Loader Specification has
/// it under "boot counting". An entry without them is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counter {
    /// Boots that are left; with none left the environment is bad.
    pub left: u32,
    /// Boots that were begun.
    pub done: u32,
}

impl Counter {
    /// Nothing tried yet.
    pub const fn new(tries: u32) -> Self {
        Self {
            left: tries,
            done: 0,
        }
    }

    /// After one more try.
    #[must_use]
    pub const fn tried(self) -> Self {
        Self {
            left: self.left.saturating_sub(1),
            done: self.done.saturating_add(1),
        }
    }

    /// Whether no try is left.
    pub const fn is_bad(self) -> bool {
        self.left == 0
    }
}

/// One environment as the boot loader sees it: type 1 of the Boot Loader Specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The environment.
    pub name: EnvName,
    /// Which of its kernels this boots.
    pub which: WhichKernel,
    /// What a person reads in the menu.
    pub title: String,
    /// The version of what is in it; empty: not said.
    pub version: String,
    /// The kernel, as a path below the system's directory that begins with a slash.
    pub kernel: Option<String>,
    /// Initial RAM disks, as such paths, in their order.
    pub initrd: Vec<String>,
    /// The kernel's command line; `isi.env=NAME` is put before it, and `isi.kernel=old` for the old kernel.
    pub options: String,
}

impl Entry {
    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: &str| {
            // A line feed would begin another line of the entry.
            let value = value.replace(|letter: char| letter.is_control(), " ");
            if !value.trim().is_empty() {
                writeln!(text, "{key} {}", value.trim()).unwrap_or_default();
            }
        };
        line("title", &self.title);
        line("version", &self.version);
        // Menus are sorted by it: the old kernels come after all others.
        line(
            "sort-key",
            match self.which {
                WhichKernel::Own => "isi",
                WhichKernel::Old => "isi.old",
            },
        );
        line("linux", self.kernel.as_deref().unwrap_or_default());
        for initrd in &self.initrd {
            line("initrd", initrd);
        }
        line("options", &self.command_line());
        text
    }

    /// The kernel's whole command line.
    pub fn command_line(&self) -> String {
        let old = match self.which {
            WhichKernel::Own => "",
            WhichKernel::Old => OLD_KERNEL,
        };
        let words = [&format!("isi.env={}", self.name), old, self.options.trim()];
        let words = words.into_iter().filter(|words| !words.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    /// Reads the text of a file; what it does not know it leaves out.
    pub(super) fn parse(name: EnvName, which: WhichKernel, text: &str) -> Self {
        let env = format!("isi.env={name}");
        let own = |word: &str| word == env || word == OLD_KERNEL;
        let mut entry = Self {
            name,
            which,
            title: String::new(),
            version: String::new(),
            kernel: None,
            initrd: Vec::new(),
            options: String::new(),
        };
        for line in text.lines().map(str::trim) {
            let Some((key, value)) = line.split_once(char::is_whitespace) else {
                continue;
            };
            let value = value.trim();
            match key {
                "title" => value.clone_into(&mut entry.title),
                "version" => value.clone_into(&mut entry.version),
                "linux" => entry.kernel = Some(value.to_owned()),
                "initrd" => entry.initrd.push(value.to_owned()),
                "options" => {
                    let words = value.split_whitespace().filter(|word| !own(word));
                    let words: Vec<_> = words.collect();
                    entry.options = format!("{} {}", entry.options, words.join(" "));
                    entry.options = entry.options.trim().to_owned();
                }
                _ => {}
            }
        }
        entry
    }
}

/// The name of the file of an entry.
pub(super) fn file_name(name: &EnvName, counter: Option<Counter>) -> String {
    match counter {
        None => format!("{PREFIX}{name}{SUFFIX}"),
        Some(Counter { left, done: 0 }) => format!("{PREFIX}{name}+{left}{SUFFIX}"),
        Some(Counter { left, done }) => format!("{PREFIX}{name}+{left}-{done}{SUFFIX}"),
    }
}

/// What the name of a file says; `None` if it is no entry of ours.
pub(super) fn parse_file_name(file: &str) -> Option<(EnvName, Option<Counter>)> {
    let middle = file.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let Some((name, counter)) = middle.split_once('+') else {
        return Some((middle.parse().ok()?, None));
    };
    let (left, done) = counter.split_once('-').unwrap_or((counter, "0"));
    let counter = Counter {
        left: number(left)?,
        done: number(done)?,
    };
    Some((name.parse().ok()?, Some(counter)))
}

/// The name of the file of an entry that boots the old kernel.
///
/// It has no counter: the environment has one, whatever kernel it is booted with.
pub(super) fn old_file_name(name: &EnvName) -> String {
    format!("{OLD_PREFIX}{name}{SUFFIX}")
}

/// The environment that is booted with its old kernel by the entry in this file, if it is such an entry.
pub(super) fn parse_old_file_name(file: &str) -> Option<EnvName> {
    let name = file.strip_prefix(OLD_PREFIX)?.strip_suffix(SUFFIX)?;
    name.parse().ok()
}

/// What `default` or `next` names by its entry, with or without the file's suffix.
pub(super) fn parse_id(id: &str) -> Option<(EnvName, WhichKernel)> {
    let id = id.trim();
    let (middle, which) = match id.strip_prefix(OLD_PREFIX) {
        Some(middle) => (middle, WhichKernel::Old),
        None => (id.strip_prefix(PREFIX)?, WhichKernel::Own),
    };
    // Ours is written with the suffix; the name of an environment may end in it, too.
    let name = middle.strip_suffix(SUFFIX).unwrap_or(middle).parse().ok()?;
    Some((name, which))
}

/// How `default` and `next` name an entry, whatever its counters are.
pub(super) fn id(name: &EnvName, which: WhichKernel) -> String {
    match which {
        WhichKernel::Own => file_name(name, None),
        WhichKernel::Old => old_file_name(name),
    }
}

/// Digits only, and no more than a counter can have; other programs write leading zeros.
fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> EnvName {
        text.parse().unwrap()
    }

    #[test]
    fn counters_are_in_the_name() {
        for (file, expected) in [
            ("isi-a.conf", Some(("a", None))),
            ("isi-a+3.conf", Some(("a", Some((3, 0))))),
            ("isi-a+1-2.conf", Some(("a", Some((1, 2))))),
            ("isi-a+0-03.conf", Some(("a", Some((0, 3))))),
            ("isi-a-1.conf", Some(("a-1", None))),
            ("isi-a.conf.conf", Some(("a.conf", None))),
            ("isi-a+.conf", None),
            ("isi-a+1-.conf", None),
            ("isi-a+-1.conf", None),
            ("isi-a+1-2-3.conf", None),
            ("isi-a+1+2.conf", None),
            ("isi-a+ 1.conf", None),
            ("isi-a+4294967296.conf", None),
            ("isi-.conf", None),
            ("isi-../x.conf", None),
            ("arch.conf", None),
            ("isi-a.conf.new", None),
            ("isi.old-a.conf", None),
            (".isi-a.conf.new", None),
        ] {
            let found = parse_file_name(file);
            let expected = expected.map(|(text, counter)| {
                let counter = counter.map(|(left, done)| Counter { left, done });
                (name(text), counter)
            });
            assert_eq!(found, expected, "{file}");
        }
    }

    #[test]
    fn an_entry_names_its_environment_to_the_kernel() {
        let entry = Entry {
            name: name("nine"),
            which: WhichKernel::Own,
            title: "OneFS 9.5\nlinux /evil".into(),
            version: "9.5".into(),
            kernel: Some("/kernels/nine/vmlinuz".into()),
            initrd: vec!["/kernels/nine/initrd".into()],
            options: "root=/dev/vda quiet".into(),
        };
        let text = entry.text();
        assert_eq!(
            text,
            "title OneFS 9.5 linux /evil\nversion 9.5\nsort-key isi\nlinux /kernels/nine/vmlinuz\n\
             initrd /kernels/nine/initrd\noptions isi.env=nine root=/dev/vda quiet\n"
        );
        let read = Entry::parse(name("nine"), WhichKernel::Own, &text);
        assert_eq!((&read.kernel, &read.initrd), (&entry.kernel, &entry.initrd));
        assert_eq!(read.options, entry.options);
        let old = Entry {
            which: WhichKernel::Old,
            title: "OneFS 9.5 with the kernel from before".into(),
            kernel: Some("/kernels/nine/vmlinuz.old".into()),
            ..entry
        };
        assert_eq!(
            old.text(),
            "title OneFS 9.5 with the kernel from before\nversion 9.5\nsort-key isi.old\n\
             linux /kernels/nine/vmlinuz.old\ninitrd /kernels/nine/initrd\n\
             options isi.env=nine isi.kernel=old root=/dev/vda quiet\n"
        );
        let read = Entry::parse(name("nine"), WhichKernel::Old, &old.text());
        assert_eq!(read, old);
        let foreign = "# comment\noptions a\n\nlinux\t/k\noptions  b c\nefi /x\nlonely";
        let read = Entry::parse(name("n"), WhichKernel::Own, foreign);
        assert_eq!(
            (read.options.as_str(), read.kernel.as_deref()),
            ("a b c", Some("/k"))
        );
    }

    proptest! {
        #[test]
        fn every_name_and_counter_comes_back(
            text in "[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
            counter in proptest::option::of((any::<u32>(), any::<u32>())),
        ) {
            let counter = counter.map(|(left, done)| Counter { left, done });
            let found = parse_file_name(&file_name(&name(&text), counter));
            prop_assert_eq!(found, Some((name(&text), counter)));
            for which in [WhichKernel::Own, WhichKernel::Old] {
                let found = parse_id(&id(&name(&text), which));
                prop_assert_eq!(found, Some((name(&text), which)));
            }
            let old = old_file_name(&name(&text));
            prop_assert_eq!(parse_old_file_name(&old), Some(name(&text)));
            prop_assert_eq!(parse_file_name(&old), None);
            prop_assert_eq!(parse_old_file_name(&file_name(&name(&text), counter)), None);
        }

        #[test]
        fn no_file_name_is_too_much(file in "\\PC{0,90}|isi-[A-Za-z0-9.+-]{0,40}\\.conf") {
            if let Some((name, counter)) = parse_file_name(&file) {
                let again = parse_file_name(&file_name(&name, counter));
                prop_assert_eq!(again, Some((name, counter)));
            }
        }
    }
}
