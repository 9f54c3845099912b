//! A directory with a development PKI and a tree, where packages are made and tools are run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

pub(crate) struct Workshop {
    directory: tempfile::TempDir,
}

impl Workshop {
    /// With a PKI in `home` and a tree of a few files, empty, large and linked, in `tree`.
    pub(crate) fn new() -> Self {
        let workshop = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        workshop.packager("dev-pki --dir home");
        fs::create_dir_all(workshop.path("tree/a/b")).unwrap();
        let large: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        fs::write(workshop.path("tree/large"), large).unwrap();
        fs::write(workshop.path("tree/a/empty"), "").unwrap();
        fs::write(workshop.path("tree/a/b/text"), "text\n").unwrap();
        let long = format!("tree/a/{}", "n".repeat(200));
        fs::write(workshop.path(&long), "long name\n").unwrap();
        symlink("b/text", workshop.path("tree/a/link")).unwrap();
        workshop
    }

    /// Builds `x.isi` from the tree, signed and timestamped, with more flags.
    pub(crate) fn package(&self, more: &str) {
        self.seal_into("x.isi", &format!("tree {more}"));
    }

    /// Builds a signed package from whatever `source` says.
    pub(crate) fn seal_into(&self, name: &str, source: &str) {
        self.packager(&format!(
            "create {source} --output {name} --type generic --name tools --version 1.0 \
             --key home/keys/signer.key --cert home/keys/signer.pem \
             --tsa-key home/keys/tsa.key --tsa-cert home/keys/tsa.pem"
        ));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs our own tool, which must succeed.
    #[track_caller]
    pub(crate) fn packager(&self, arguments: &str) -> Output {
        self.run(env!("CARGO_BIN_EXE_isi_packager"), arguments)
    }

    /// Runs a tool, which must succeed and say nothing on its error stream but `Verification ...`.
    #[track_caller]
    pub(crate) fn run_quietly(&self, tool: &str, arguments: &str) -> Output {
        let output = self.run(tool, arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.is_empty(), "{tool} {arguments}: {stderr}");
        output
    }

    /// Runs a tool, which must succeed.
    #[track_caller]
    pub(crate) fn run(&self, tool: &str, arguments: &str) -> Output {
        let output = self.output(tool, arguments);
        assert!(
            output.status.success(),
            "{tool} {arguments}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    #[track_caller]
    pub(crate) fn output(&self, tool: &str, arguments: &str) -> Output {
        let output = Command::new(tool)
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path())
            .env("LC_ALL", "C")
            .env_remove("ISI_HOME")
            .env_remove("SOURCE_DATE_EPOCH")
            .stdin(Stdio::null())
            .output();
        output.unwrap_or_else(|error| panic!("{tool} cannot be run: {error}"))
    }
}
