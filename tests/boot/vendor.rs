//! Who makes the images: keys to try with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// Keys and trust of the vendor.
#[derive(Debug)]
pub(crate) struct Vendor {
    home: TempDir,
}

/// The only one there is.
pub(crate) fn vendor() -> &'static Vendor {
    static VENDOR: OnceLock<Vendor> = OnceLock::new();
    VENDOR.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        packager(home.path(), &["dev-pki", "--dir", "."]);
        Vendor { home }
    })
}

impl Vendor {
    /// What machines have to trust.
    pub(crate) fn trust(&self) -> PathBuf {
        self.home.path().join("trust")
    }
}

fn packager(directory: &Path, arguments: &[&str]) {
    let mut packager = Command::new(env!("CARGO_BIN_EXE_isi_packager"));
    let output = packager
        .args(arguments)
        .current_dir(directory)
        .env_remove("ISI_HOME")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}
