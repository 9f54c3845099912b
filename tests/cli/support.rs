//! A directory for each test, and the tools run in it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

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
        for (path, second) in [("sub/empty", 1), ("file", 2), ("sub", 3)] {
            self.set_time(&format!("{name}/{path}"), 1_000_000_000 + second);
        }
    }

    /// Builds an unsigned package from a small tree.
    pub(crate) fn unsigned(&self, name: &str) {
        self.build(name, &[]);
    }

    /// Builds a signed, timestamped package from a small tree; needs the PKI.
    pub(crate) fn signed(&self, name: &str) {
        let signing = [
            "--key",
            "home/keys/signer.key",
            "--cert",
            "home/keys/signer.pem",
        ];
        let stamp = [
            "--tsa-key",
            "home/keys/tsa.key",
            "--tsa-cert",
            "home/keys/tsa.pem",
        ];
        self.build(name, &[signing, stamp].concat());
    }

    pub(crate) fn build(&self, name: &str, more: &[&str]) {
        if !self.path("tree").exists() {
            self.tree("tree");
        }
        self.write("README.txt", "Fix 1.2.3\n\nFixes things.\n");
        let build = ["create", "tree", "--output", name, "--readme", "README.txt"];
        let metadata = ["--type", "patch", "--name", "fix", "--version", "1.2.3"];
        let fixed = [
            "--description",
            "Fix 1.2.3",
            "--created",
            "2001-09-09T01:46:40Z",
        ];
        let arguments = [&build[..], &metadata, &fixed, more].concat();
        self.packager(&arguments).succeeded();
        fs::remove_file(self.path("README.txt")).unwrap();
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
        insta::with_settings!({
            prepend_module_to_snapshot => true,
            omit_expression => true,
            filters => $crate::support::FILTERS.to_vec(),
        }, {
            insta::assert_snapshot!($run.text());
        });
    };
}
pub(crate) use compare;

/// What differs between runs, and what stands for it.
pub(crate) const FILTERS: &[(&str, &str)] = &[
    (r"\b[0-9a-f]{64}\b", "[SHA256]"),
    (r"\b[0-9a-f]{40}\b", "[SHA1]"),
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
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
];
