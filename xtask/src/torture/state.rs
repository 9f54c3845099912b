//! What a catalog looks like from outside: the database through `sqlite3`, the files through
//! `sha256sum`, nothing through the library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::place::{Place, artifact_path};
use crate::shell::{Outcome, failure};

/// Names that belong into a catalog directory.
const KNOWN: &[&str] = &[
    "catalog.db",
    "catalog.db-journal",
    "artifacts",
    "incoming",
    "quarantine",
    "lock",
    MIRROR,
];

const DATABASE: &str = "catalog.db";
const MIRROR: &str = "events.jsonl";
const JOURNAL: &str = "catalog.db-journal";

/// Part of the name of an output that has not got its own name yet.
const HIDDEN: &str = ".isi-tmp-";

/// Each line of the answer begins with a word that says what it is.
const QUESTIONS: &str = "
.bail on
SELECT 'tables ' || count(*) FROM sqlite_schema;
SELECT 'check ' || integrity_check FROM pragma_integrity_check;
SELECT 'foreign ' || \"table\" FROM pragma_foreign_key_check;
SELECT 'artifact ' || lower(hex(id)) || ' ' || state FROM artifact;
SELECT 'reference ' || lower(hex(artifact)) || ' ' || kind || ' ' || holder FROM reference;
SELECT 'override ' || lower(hex(artifact)) || ' ' || action || ' ' || code FROM override;
SELECT 'event ' || sequence || ' ' || time || ' ' || kind || ' ' || subject || ' ' || actor || ' '
    || lower(hex(previous)) || ' ' || lower(hex(hash)) || ' ' || details FROM event ORDER BY sequence;
SELECT 'head ' || lower(hex(value)) FROM meta WHERE key = 'event-head';
";

/// Everything that can be seen.
#[derive(Debug, Default, Clone)]
pub struct State {
    /// What the catalog says and keeps, one line each: artifacts, references, overrides, quarantine,
    /// and the files that were exported.
    pub facts: BTreeSet<String>,
    /// The event log, oldest first.
    pub events: Vec<String>,
    /// IDs that are listed, with their state.
    pub listed: BTreeMap<String, String>,
    /// Listed artifacts whose file is not there or not what its ID says.
    pub unsound: BTreeSet<String>,
    /// What is in the catalog's directories and belongs to nothing.
    pub litter: BTreeSet<String>,
    /// Hashes of the events in the database, and in their mirror beside it.
    pub chain: [Vec<String>; 2],
    /// What the mirror says that the database does not.
    pub mirror: Option<String>,
    /// What is wrong with the database.
    pub problems: Vec<String>,
    /// Digest of every file below the catalog but the database's own.
    pub files: BTreeMap<PathBuf, String>,
}

impl State {
    /// Looks at a place; `scratch` is a directory for a copy of the database, so that nothing is changed
    /// by looking, not even by the recovery that opening a database means.
    pub fn look(place: &Place, scratch: &Path) -> Outcome<Self> {
        let mut state = Self::default();
        let catalog = place.catalog();
        let mut paths = Vec::new();
        for part in ["artifacts", "incoming", "quarantine"] {
            walk(&catalog.join(part), &mut paths)?;
        }
        walk(&place.exports(), &mut paths)?;
        let digests = digests(place.root(), &paths)?;
        state.database(&catalog, scratch)?;
        state.mirror(&catalog)?;
        state.look_at_files(place, &digests)?;
        if !catalog.join(DATABASE).exists() && !state.files.is_empty() {
            state.problems.push("there is no database".to_owned());
        }
        Ok(state)
    }

    /// IDs of the valid packages that lie anywhere in the catalog, whatever their name.
    pub fn present(&self, valid: &BTreeSet<String>) -> BTreeSet<String> {
        let found = self.files.values().filter(|digest| valid.contains(*digest));
        found.cloned().collect()
    }

    /// The facts and what kind of event happened to what how often, without times and hashes.
    pub fn history(&self) -> BTreeSet<String> {
        let mut history = self.facts.clone();
        let mut times = BTreeMap::new();
        for event in &self.events {
            // Sequence, time, kind, subject.
            let words: Vec<&str> = event.splitn(5, ' ').skip(2).take(2).collect();
            let times = times.entry(words.clone()).or_insert(0);
            *times += 1;
            history.insert(format!("event {} {times}", words.join(" ")));
        }
        history
    }

    fn database(&mut self, catalog: &Path, scratch: &Path) -> Outcome {
        if !catalog.join(DATABASE).exists() {
            return Ok(());
        }
        let copies = [DATABASE, JOURNAL].map(|name| (catalog.join(name), scratch.join(name)));
        for (from, to) in &copies {
            super::place::remove(to)?;
            if from.exists() {
                fs::copy(from, to)?;
            }
        }
        let [(_, copy), _] = &copies;
        let (answer, errors) = ask(copy, QUESTIONS)?;
        let mut previous = "0".repeat(64);
        let mut head = format!("{:016}{previous}", 0);
        let mut recorded = None;
        for line in answer.lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("tables", "0") => return Ok(()),
                ("tables", _) | ("check", "ok") => {}
                ("artifact", rest) => {
                    let (id, state) = rest.split_once(' ').unwrap_or((rest, ""));
                    self.listed.insert(id.to_owned(), state.to_owned());
                    self.facts.insert(line.to_owned());
                }
                ("reference" | "override", _) => {
                    self.facts.insert(line.to_owned());
                }
                ("event", rest) => {
                    self.events.push(rest.to_owned());
                    self.follow(rest, &mut previous, &mut head);
                }
                ("head", rest) => recorded = Some(rest.to_owned()),
                _ => self.problems.push(line.to_owned()),
            }
        }
        self.problems.extend(errors.lines().map(str::to_owned));
        if recorded.is_some_and(|recorded| recorded != head) {
            self.problems
                .push("the log ends elsewhere than its head says".to_owned());
        }
        Ok(())
    }

    /// Checks that an event follows the one before it.
    fn follow(&mut self, event: &str, previous: &mut String, head: &mut String) {
        let words: Vec<&str> = event.split(' ').collect();
        let number = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        // Subjects may be empty but hold no space, and neither do kinds; an actor might.
        let hashes = words
            .windows(2)
            .find(|pair| pair.iter().all(|word| is_digest(word)));
        let Some([before, hash]) = hashes else {
            return self.problems.push(format!("event {number} has no hashes"));
        };
        if words.first() != Some(&number.to_string().as_str()) || before != previous {
            self.problems
                .push(format!("event {number} does not follow the one before"));
        }
        self.chain[0].push((*hash).to_owned());
        (*hash).clone_into(previous);
        let sequence: String = number
            .to_le_bytes()
            .map(|byte| format!("{byte:02x}"))
            .concat();
        *head = format!("{sequence}{hash}");
    }

    /// Reads the mirror of the event log and checks that it says nothing the database does not.
    fn mirror(&mut self, catalog: &Path) -> Outcome {
        let path = catalog.join(MIRROR);
        if !path.exists() {
            return Ok(());
        }
        let text = fs::read(path)?;
        let text = String::from_utf8_lossy(&text);
        // A last line that is torn does not count, as it does not for who reads it.
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            let hash = line
                .rsplit_once("\"hash\":\"")
                .and_then(|(_, hash)| hash.get(..64));
            self.chain[1].push(hash.unwrap_or_default().to_owned());
        }
        let [database, mirror] = &self.chain;
        if !database.starts_with(mirror) {
            let [database, mirror] = [database.len(), mirror.len()];
            self.mirror = Some(format!(
                "{mirror} events in the mirror are not the first of {database}"
            ));
        }
        Ok(())
    }

    fn look_at_files(&mut self, place: &Place, digests: &BTreeMap<PathBuf, String>) -> Outcome {
        let catalog = place.catalog();
        let mut homes = BTreeSet::new();
        for (id, state) in &self.listed {
            let path = place.artifact(id);
            let there = digests.get(&path) == Some(id) && mode(&path)? == 0o444;
            if !there && state != "missing" {
                self.unsound.insert(id.clone());
            }
            homes.insert(catalog.join(artifact_path(id)));
        }
        for (path, digest) in digests {
            if let Ok(name) = path.strip_prefix(place.exports()) {
                // A killed program may leave the hidden file that was about to replace another.
                let name = name.display().to_string();
                if !(name.starts_with('.') && name.contains(HIDDEN)) {
                    self.facts.insert(format!("export {name} {digest}"));
                }
                continue;
            }
            let name = path.strip_prefix(&catalog)?;
            self.files.insert(name.to_owned(), digest.clone());
            if name.starts_with("quarantine") {
                // Reasons have a time in them.
                if !name.ends_with("reason.json") {
                    self.facts.insert(format!("quarantine {digest}"));
                }
            } else if !homes.contains(path) {
                self.litter.insert(name.display().to_string());
            }
        }
        self.stray_directories(&catalog, &homes)
    }

    /// Directories and other names that belong to nothing.
    fn stray_directories(&mut self, catalog: &Path, homes: &BTreeSet<PathBuf>) -> Outcome {
        for name in names(catalog)? {
            if !KNOWN.contains(&name.as_str()) {
                self.litter.insert(name);
            }
        }
        for name in names(&catalog.join("incoming"))? {
            self.litter.insert(format!("incoming/{name}"));
        }
        for shard in names(&catalog.join("artifacts"))? {
            let shard = Path::new("artifacts").join(shard);
            for name in names(&catalog.join(&shard))? {
                let path = shard.join(name);
                if !homes.contains(&catalog.join(&path).join("package.isi")) {
                    self.litter.insert(path.display().to_string());
                }
            }
        }
        Ok(())
    }
}

fn is_digest(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn mode(path: &Path) -> Outcome<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
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

/// Every regular file below a directory.
pub fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> Outcome {
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// The SHA-256 of each file, by the program that everybody has.
fn digests(root: &Path, paths: &[PathBuf]) -> Outcome<BTreeMap<PathBuf, String>> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let output = Command::new("sha256sum")
        .arg("--zero")
        .args(paths)
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return failure(super::place::told(&output));
    }
    let text = String::from_utf8(output.stdout)?;
    let lines = text.split_terminator('\0').filter_map(|line| {
        let (digest, path) = line.split_once("  ")?;
        Some((PathBuf::from(path), digest.to_owned()))
    });
    Ok(lines.collect())
}

/// Asks a database; gives what it answers and what it complains of.
fn ask(database: &Path, questions: &str) -> Outcome<(String, String)> {
    let mut sqlite = Command::new("sqlite3")
        .args(["-batch", "-noheader"])
        .arg(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = sqlite.stdin.take() {
        // Gone already where the database is no database.
        stdin.write_all(questions.as_bytes()).unwrap_or_default();
    }
    let output = sqlite.wait_with_output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(&output.stdout), text(&output.stderr)))
}
