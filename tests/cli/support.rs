//! A directory for each test, and the tools run in it.

use std::collections::BTreeMap;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use isi_catalog::digest::Sha256Digest;

/// Flags that sign, with the PKI in `home`.
pub(crate) const SIGNER: [&str; 4] = [
    "--key",
    "home/keys/signer.key",
    "--cert",
    "home/keys/signer.pem",
];
/// The same as the sibling of the signer, who may not.
pub(crate) const SIBLING: [&str; 4] = [
    "--key",
    "home/keys/sibling.key",
    "--cert",
    "home/keys/sibling.pem",
];
/// Flags that add a timestamp, with the PKI in `home`.
pub(crate) const AUTHORITY: [&str; 4] = [
    "--tsa-key",
    "home/keys/tsa.key",
    "--tsa-cert",
    "home/keys/tsa.pem",
];

/// A directory of its own, in which the tools run.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

/// How a command ended and what it said, ready to be compared.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    root: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// With a development PKI in `home`.
    pub(crate) fn with_pki() -> Self {
        let place = Self::new();
        place.packager(&["dev-pki", "--dir", "home"]).succeeded();
        place
    }

    /// Makes a small tree.
    pub(crate) fn tree(&self, name: &str) {
        self.write(&format!("{name}/file"), "content\n");
        self.write(&format!("{name}/sub/empty"), "");
        symlink("file", self.path(&format!("{name}/link"))).unwrap();
        // The library of this language sets no time of a link itself.
        let link = self.path(&format!("{name}/link"));
        let link = link.to_str().unwrap();
        self.run("touch", &["-h", "-d", "@1000000004", link])
            .succeeded();
        for (path, second) in [("sub/empty", 1), ("file", 2), ("sub", 3)] {
            self.set_time(&format!("{name}/{path}"), 1_000_000_000 + second);
        }
    }

    /// Builds an unsigned package from a small tree.
    pub(crate) fn unsigned(&self, name: &str) {
        self.write("README.txt", "Fix 1.2.3\n\nFixes things.\n");
        self.build_with(name, &["--readme", "README.txt"], false);
        fs::remove_file(self.path("README.txt")).unwrap();
    }

    /// Builds a signed, timestamped package from a small tree; needs the PKI.
    pub(crate) fn signed(&self, name: &str) {
        self.write("README.txt", "Fix 1.2.3\n\nFixes things.\n");
        self.build_with(name, &["--readme", "README.txt"], true);
        fs::remove_file(self.path("README.txt")).unwrap();
    }

    /// Builds a package from a small tree with more flags, which may replace the usual ones.
    pub(crate) fn build_with(&self, name: &str, more: &[&str], signed: bool) {
        if !self.path("tree").exists() {
            self.tree("tree");
        }
        let mut arguments = vec!["create", "tree", "--output", name];
        for usual in [
            ["--type", "patch"],
            ["--name", "fix"],
            ["--version", "1.2.3"],
            ["--description", "Fix 1.2.3"],
            ["--created", "2001-09-09T01:46:40Z"],
        ] {
            if !more.contains(&usual[0]) {
                arguments.extend(usual);
            }
        }
        if signed {
            arguments.extend(SIGNER);
            arguments.extend(AUTHORITY);
        }
        self.packager(&[&arguments[..], more].concat()).succeeded();
    }

    /// The ID in a package's side file.
    pub(crate) fn id_of(&self, name: &str) -> String {
        let line = String::from_utf8(self.read(&format!("{name}.sha256"))).unwrap();
        line[..64].to_owned()
    }

    /// Lets the policy of the PKI ask for a reason instead of refusing.
    pub(crate) fn ask_for_unsigned(&self) {
        let identities = String::from_utf8(self.read("home/trust/identities.toml")).unwrap();
        let asking = identities.replace("unsigned = \"refuse\"", "unsigned = \"ask\"");
        self.write("home/trust/identities.toml", asking);
    }

    pub(crate) fn make_writable(&self, name: &str) {
        fs::set_permissions(self.path(name), Permissions::from_mode(0o644)).unwrap();
    }

    /// Takes every right away.
    pub(crate) fn forbid(&self, name: &str) {
        fs::set_permissions(self.path(name), Permissions::from_mode(0o000)).unwrap();
    }

    /// Runs the tool as somebody whom permissions stop, also when the tests run as root.
    pub(crate) fn run_unprivileged(&self, tool: &str, arguments: &[&str]) -> Run {
        let mut command = self.command(tool, arguments);
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            // Nobody needs a way to the tool and into this directory.
            fs::set_permissions(self.directory.path(), Permissions::from_mode(0o755)).unwrap();
            command = Command::new(self.program(Path::new(command.get_program()), tool));
            command
                .args(arguments)
                .current_dir(self.directory.path())
                .uid(65534)
                .gid(65534);
        }
        let output = command.output().unwrap();
        self.finished(&output)
    }

    /// Makes a copy of a program that can be run at once.
    ///
    /// Another process writes it. While one has it open for writing, it cannot be run; and what this process
    /// has open, each process that another test is just starting has open for a moment, too.
    pub(crate) fn program(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.path(name);
        let (from, copy) = (from.to_str().unwrap(), to.to_str().unwrap());
        self.run("install", &["-D", "-m", "0755", from, copy])
            .succeeded();
        to
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The certificates of a file after its first.
    pub(crate) fn chain(&self, name: &str) -> String {
        let text = String::from_utf8(self.read(name)).unwrap();
        let begin = "-----BEGIN CERTIFICATE-----";
        let second = text.match_indices(begin).nth(1).unwrap().0;
        text[second..].to_owned()
    }

    /// Flips one bit.
    pub(crate) fn flip(&self, name: &str, offset: usize) {
        let mut bytes = self.read(name);
        bytes[offset] ^= 1;
        self.write(name, bytes);
    }

    /// Gives a file the present as its time.
    pub(crate) fn touch(&self, name: &str) {
        let file = fs::File::open(self.path(name)).unwrap();
        file.set_modified(SystemTime::now()).unwrap();
    }

    fn set_time(&self, name: &str, second: u64) {
        let file = fs::File::open(self.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second))
            .unwrap();
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Every name in the directory, sorted, hidden ones included.
    pub(crate) fn names(&self, below: &str) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path(below))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The digest of every file below a directory.
    pub(crate) fn digests(&self, below: &str) -> BTreeMap<PathBuf, String> {
        fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, String>) {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                let content = if kind.is_dir() {
                    walk(&entry.path(), found);
                    "directory".to_owned()
                } else if kind.is_symlink() {
                    let target = fs::read_link(entry.path()).unwrap();
                    format!("link to {}", target.display())
                } else {
                    Sha256Digest::of(&fs::read(entry.path()).unwrap()).to_string()
                };
                found.insert(entry.path(), content);
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.path(below), &mut found);
        found
    }

    /// The tool, in this directory, with nothing of the environment that matters to it.
    pub(crate) fn command(&self, tool: &str, arguments: &[&str]) -> Command {
        let path = match tool {
            "isi" => env!("CARGO_BIN_EXE_isi"),
            "isi_packager" => env!("CARGO_BIN_EXE_isi_packager"),
            other => other,
        };
        let mut command = Command::new(path);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_remove("ISI_HOME")
            .env_remove("ISI_CONFIG")
            .env_remove("ISI_CATALOG")
            .env_remove("ISI_TRUST")
            .env_remove("ISI_LOCK_TIMEOUT")
            .env_remove("ISI_HOOK_TIMEOUT")
            .env_remove("ISI_HEALTH_TIMEOUT")
            .env_remove("ISI_SYSTEM")
            .env_remove("ISI_BOOTED")
            .env_remove("COLUMNS")
            .env_remove("SOURCE_DATE_EPOCH")
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, tool: &str, arguments: &[&str]) -> Run {
        let output = self.command(tool, arguments).output().unwrap();
        self.finished(&output)
    }

    pub(crate) fn packager(&self, arguments: &[&str]) -> Run {
        self.run("isi_packager", arguments)
    }

    pub(crate) fn isi(&self, arguments: &[&str]) -> Run {
        self.run("isi", arguments)
    }

    pub(crate) fn finished(&self, output: &Output) -> Run {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
            root: self.directory.path().to_string_lossy().into_owned(),
        }
    }
}

impl Run {
    /// Fails unless the command did its work.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Exit code and both streams, with the place of the test left out.
    pub(crate) fn text(&self) -> String {
        let code = self
            .code
            .map_or("signal".to_owned(), |code| code.to_string());
        let text = format!(
            "exit: {code}\n----- stdout -----\n{}----- stderr -----\n{}",
            self.stdout, self.stderr
        );
        text.replace(&self.root, "[PLACE]")
    }
}

/// Compares with the stored snapshot after replacing what differs between runs.
macro_rules! compare {
    ($run:expr) => {
        $crate::support::settings().bind(|| insta::assert_snapshot!($run.text()));
    };
    ($run:expr, $name:expr) => {
        $crate::support::settings().bind(|| insta::assert_snapshot!($name, $run.text()));
    };
}
pub(crate) use compare;

pub(crate) fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    for (pattern, replacement) in FILTERS {
        settings.add_filter(pattern, *replacement);
    }
    settings
}

/// What differs between runs, and what stands for it.
const FILTERS: &[(&str, &str)] = &[
    (r"\b[0-9a-f]{64}\b", "[SHA256]"),
    (r"\b[0-9a-f]{40}\b", "[SHA1]"),
    (r"\b[0-9a-f]{5}\b", "[ID5]"),
    (r",\d{4},verified", ",[SIZE],verified"),
    (r"       Size: \d{4}\b", "       Size: [SIZE]"),
    (r"\nSize:            \d{4}\b", "\nSize:            [SIZE]"),
    (r"\d{4} 20\d\d-\d\d-\d\d \d\d:\d\d", "[SIZE AND MINUTE]"),
    (r#""size":\d{4},"#, "\"size\":[SIZE],"),
    (r"(Serial: +)[0-9a-f]+", "${1}[SERIAL]"),
    // ECDSA signatures differ in length by a few bytes.
    (
        r"((Signature|Timestamp) Size: |length )\d{3,}",
        "${1}[SIZE]",
    ),
    (
        r"byte \d+ \(end_magic\)(.*) found [0-9a-f]{16}",
        "byte [OFFSET] (end_magic)${1} found [HEX]",
    ),
    (r"\buid \d+\b", "uid [UID]"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
    (r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b", "[MINUTE]"),
];
