//! The packages that everything is done with, and whom to trust.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::place::program;
use super::random::Random;
use crate::shell::{self, Outcome, failure};

/// A package to be made.
struct Kit {
    name: &'static str,
    /// Bytes of payload.
    size: usize,
    /// Whose key signs it.
    signer: &'static str,
}

const fn small(name: &'static str) -> Kit {
    Kit {
        name,
        size: 3_000,
        signer: "signer",
    }
}

const KITS: &[Kit] = &[
    small("one"),
    small("two"),
    small("three"),
    small("four"),
    small("five"),
    small("six"),
    Kit {
        size: 400_000,
        ..small("seven")
    },
    Kit {
        size: 6 << 20,
        ..small("large")
    },
    // Issued by another authority of the same root: good bytes, no trust.
    Kit {
        signer: "sibling",
        ..small("stranger")
    },
];

/// Keys, trust and packages below one directory, made once.
#[derive(Debug)]
pub struct World {
    root: PathBuf,
    ids: BTreeMap<&'static str, String>,
    trusted: BTreeSet<String>,
}

impl World {
    /// Makes keys and packages at `root`.
    pub fn create(root: &Path) -> Outcome<Self> {
        fs::create_dir_all(root.join("packages"))?;
        packager(root, &["dev-pki", "--dir", "home"])?;
        let mut random = Random::new(1);
        let (mut ids, mut trusted) = (BTreeMap::new(), BTreeSet::new());
        for kit in KITS {
            let id = make(root, kit, &mut random)?;
            if kit.signer == "signer" {
                trusted.insert(id.clone());
            }
            ids.insert(kit.name, id);
        }
        let root = root.to_owned();
        Ok(Self { root, ids, trusted })
    }

    /// The trust directories.
    pub fn trust(&self) -> PathBuf {
        self.root.join("home/trust")
    }

    /// The vendor's keys.
    pub fn keys(&self) -> PathBuf {
        self.root.join("home/keys")
    }

    /// Where the packages are.
    pub fn packages(&self) -> PathBuf {
        self.root.join("packages")
    }

    /// The file of a package by its name.
    pub fn package(&self, name: &str) -> PathBuf {
        self.packages().join(format!("{name}.isi"))
    }

    /// The name of the package with this ID.
    pub fn name_of(&self, id: &str) -> Option<&'static str> {
        self.ids
            .iter()
            .find(|(_, known)| *known == id)
            .map(|(name, _)| *name)
    }

    /// The IDs of all packages that a catalog may list.
    pub fn trusted(&self) -> &BTreeSet<String> {
        &self.trusted
    }

    /// The ID of a package by its name.
    pub fn id(&self, name: &str) -> Outcome<&str> {
        match self.ids.get(name) {
            Some(id) => Ok(id),
            None => failure(format!("there is no package {name:?} to torture with")),
        }
    }

    /// `line` with the ID of each package in the place of its name in braces.
    pub fn fill(&self, line: &str) -> String {
        let mut text = line.to_owned();
        for (name, id) in &self.ids {
            text = text.replace(&format!("{{{name}}}"), id);
        }
        text
    }
}

/// Makes a package and tells its ID.
fn make(root: &Path, kit: &Kit, random: &mut Random) -> Outcome<String> {
    let payload = root.join("payload");
    fs::write(&payload, random.bytes(kit.size))?;
    let output = format!("packages/{}.isi", kit.name);
    let (key, cert) = (
        format!("home/keys/{}.key", kit.signer),
        format!("home/keys/{}.pem", kit.signer),
    );
    packager(
        root,
        &[
            "create",
            "--payload",
            "payload",
            "--output",
            &output,
            "--type",
            "generic",
            "--name",
            kit.name,
            "--version",
            "1.0",
            "--description",
            kit.name,
            "--key",
            &key,
            "--cert",
            &cert,
            "--tsa-key",
            "home/keys/tsa.key",
            "--tsa-cert",
            "home/keys/tsa.pem",
        ],
    )?;
    fs::remove_file(payload)?;
    let side = fs::read_to_string(root.join(format!("{output}.sha256")))?;
    match side.split_once(' ') {
        Some((id, _)) => Ok(id.to_owned()),
        None => failure(format!("{output}.sha256 holds no digest")),
    }
}

fn packager(root: &Path, arguments: &[&str]) -> Outcome {
    let mut command = shell::command(program("isi_packager"));
    let output = command.args(arguments).current_dir(root).output()?;
    if output.status.success() {
        return Ok(());
    }
    failure(super::place::told(&output))
}
