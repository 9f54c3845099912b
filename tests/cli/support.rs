//! A directory for each test, and the tools run in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

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

    #[expect(dead_code, reason = "the commands that need files come next")]
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
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
];
