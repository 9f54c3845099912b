//! The machine in `home`, images for it, and what its commands answer.

use serde_json::Value;

use crate::support::{AUTHORITY, Place, Run, SIGNER};

impl Place {
    /// Runs a command of `isi upgrade` on the machine in `home`.
    pub(crate) fn upgrade(&self, arguments: &[&str]) -> Run {
        self.isi(&[&["--home", "home", "upgrade"], arguments].concat())
    }

    /// As [`Place::upgrade`], of `isi upgrade catalog`.
    pub(crate) fn catalog(&self, arguments: &[&str]) -> Run {
        self.upgrade(&[&["catalog"], arguments].concat())
    }

    /// As [`Place::upgrade`], of `isi upgrade bootenv`.
    pub(crate) fn bootenv(&self, arguments: &[&str]) -> Run {
        self.upgrade(&[&["bootenv"], arguments].concat())
    }

    /// Builds a signed image of the tree `image`, with more flags, which may replace the usual ones; gives its
    /// file.
    pub(crate) fn image(&self, version: &str, counter: &str, more: &[&str]) -> String {
        let file = format!("{version}.isi");
        let mut arguments = vec!["create", "image", "--output", &file, "--overwrite"];
        for usual in [
            ["--type", "onefs"],
            ["--name", "OS"],
            ["--version", version],
            ["--product", "os"],
            ["--release-counter", counter],
            ["--created", "2001-09-09T01:46:40Z"],
            ["--key", SIGNER[1]],
            ["--cert", SIGNER[3]],
            ["--tsa-key", AUTHORITY[1]],
            ["--tsa-cert", AUTHORITY[3]],
        ] {
            if !more.contains(&usual[0]) {
                arguments.extend(usual);
            }
        }
        self.packager(&[&arguments[..], more].concat()).succeeded();
        file
    }
}

impl Run {
    /// Fails unless it was refused with this exit code and this code, and gave nothing.
    #[track_caller]
    pub(crate) fn refused(&self, exit: i32, code: &str) {
        assert_eq!(self.code, Some(exit), "{}", self.text());
        let line = format!("code: {code}\n");
        assert!(self.stderr.contains(&line), "{}", self.text());
        assert_eq!(self.stdout, "", "{}", self.text());
    }

    /// The answer, of one piece.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The answer, a line for each event.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
