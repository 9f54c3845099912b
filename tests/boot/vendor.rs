//! Who makes the images: keys to try with, and packages signed with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::image::{self, Manner, text};
use crate::uml::{self, USUAL_KERNEL};

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

/// A release of the system that the machines run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Release {
    /// Counts the releases; the version and the name of the system follow from it.
    pub(crate) number: u64,
    pub(crate) manner: Manner,
    /// A health check that comes with it.
    pub(crate) health_check: Option<&'static str>,
    /// Whether it brings a kernel, which says of itself that it is of this release.
    pub(crate) kernel: bool,
}

impl Release {
    /// One that works.
    pub(crate) const fn good(number: u64) -> Self {
        Self {
            number,
            manner: Manner::Good,
            health_check: None,
            kernel: false,
        }
    }

    /// What its kernel, if it brings one, says of itself in the place of "version".
    pub(crate) fn kernel_word(self) -> String {
        format!("number{}", self.number)
    }

    /// What `/etc/release` of it says.
    pub(crate) fn title(self) -> String {
        format!("Test OS {}", self.number)
    }
}

impl Vendor {
    /// What machines have to trust.
    pub(crate) fn trust(&self) -> PathBuf {
        self.home.path().join("trust")
    }

    /// Builds and signs the package of a release below `directory`.
    pub(crate) fn package(&self, release: Release, directory: &Path) -> PathBuf {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().join("root");
        image::make(&root, &release.title(), release.manner);
        let package = directory.join(format!("release-{}.isi", release.number));
        let (version, counter) = (format!("{}.0", release.number), release.number.to_string());
        let key = |name: &str| text(&self.home.path().join("keys").join(name)).to_owned();
        let mut words: Vec<String> = [
            "create",
            "--tree",
            text(&root),
            "--output",
            text(&package),
            "--compression",
            "zstd:1",
            "--type",
            "onefs",
            "--name",
            "Test_OS",
            "--product",
            "Test_OS",
            "--version",
            &version,
            "--release-counter",
            &counter,
            "--description",
            "A small real system",
            "--restart",
            "reboot",
            "--rollback",
            "true",
        ]
        .map(str::to_owned)
        .into();
        for (flag, name) in [
            ("--key", "signer.key"),
            ("--cert", "signer.pem"),
            ("--tsa-key", "tsa.key"),
            ("--tsa-cert", "tsa.pem"),
        ] {
            words.extend([flag.to_owned(), key(name)]);
        }
        if let Some(script) = release.health_check {
            let file = tree.path().join("check.sh");
            fs::write(&file, script).unwrap();
            let region = format!("kind=health-check,name=check,file={}", file.display());
            words.extend(["--region".to_owned(), region]);
        }
        if release.kernel {
            let file = tree.path().join("kernel");
            fs::write(&file, kernel(&release.kernel_word())).unwrap();
            let region = format!("kind=kernel,name=generic,file={}", file.display());
            words.extend(["--region".to_owned(), region]);
        }
        packager(
            tree.path(),
            &words.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        package
    }
}

/// The kernel of the machine below, but for a word of what it says of itself in `/proc/version`.
fn kernel(word: &str) -> Vec<u8> {
    let mut kernel = fs::read(uml::find(USUAL_KERNEL).unwrap()).unwrap();
    let says = b"%s version %s (";
    let at = (kernel.windows(says.len()))
        .position(|bytes| bytes == says)
        .unwrap();
    let place = at + 3..at + 3 + "version".len();
    kernel[place].copy_from_slice(word.as_bytes());
    kernel
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
