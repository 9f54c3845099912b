//! What is measured and what is promised: commands, comparisons and bars.

use std::borrow::Cow;

use super::table::Figure;

/// A command to measure, and what has to be gone before it runs again.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its name in the tables.
    pub name: &'static str,
    /// The command, words split at spaces.
    pub line: Cow<'static, str>,
    /// Names to remove before each run; one that ends in a slash becomes an empty directory.
    pub before: &'static [&'static str],
}

/// A comparison by name: a row's figure over the sum of the floors' figures, and the bar for it.
pub type Comparison = (&'static str, Figure, &'static [&'static str], Option<f64>);

/// The most memory that a row may take, in MiB.
pub type MemoryBar = (&'static str, u64);

/// What every package of the measurements says about itself.
pub const IDENTITY: &str = "--type generic --name bench --version 1.0 --description bench";
/// Signs and timestamps at once.
pub const SEAL: &str = "--key pki/keys/signer.key --cert pki/keys/signer.pem \
                        --tsa-key pki/keys/tsa.key --tsa-cert pki/keys/tsa.pem";

const DGST: &str = "openssl dgst -sha256";
const CP: &str = "cp";
const VERIFY: &str = "verify";
const IMPORT: &str = "import";
const CREATE: &str = "create, sign, timestamp";
const SIGN: &str = "sign again";
const TIMESTAMP: &str = "timestamp again";
const EXTRACT: &str = "extract the payload";
const TAR: &str = "tar --zstd -c";
const UNTAR: &str = "tar --zstd -x";
const CREATE_TREE: &str = "create from the tree";
const EXTRACT_TREE: &str = "extract the tree";

/// The commands on one large payload.
///
/// Signing again leaves out the `.sha256` file beside the package, which takes a hash of all of it.
pub fn payload() -> Vec<Subject> {
    let create =
        format!("isi_packager create --payload payload --output new.isi {IDENTITY} {SEAL}");
    vec![
        fixed(DGST, "openssl dgst -sha256 package.isi", &[]),
        fixed(CP, "cp payload copy", &["copy"]),
        fixed(
            "dd conv=fsync",
            "dd if=payload of=copy bs=1M conv=fsync",
            &["copy"],
        ),
        fixed(
            VERIFY,
            "isi_packager verify --package package.isi --home pki",
            &[],
        ),
        fixed(
            IMPORT,
            "isi upgrade catalog import package.isi --home pki",
            &["pki/catalog"],
        ),
        Subject {
            name: CREATE,
            line: create.into(),
            before: &["new.isi", "new.isi.sha256"],
        },
        fixed(
            SIGN,
            "isi_packager sign --package again.isi --no-sha256 \
             --key pki/keys/signer.key --cert pki/keys/signer.pem",
            &[],
        ),
        fixed(
            TIMESTAMP,
            "isi_packager timestamp --package again.isi --no-sha256 \
             --tsa-key pki/keys/tsa.key --tsa-cert pki/keys/tsa.pem",
            &[],
        ),
        fixed(
            EXTRACT,
            "isi_packager extract --package package.isi --region 1 --output out --home pki",
            &["out"],
        ),
    ]
}

/// What the commands on the payload are compared with.
pub const PAYLOAD_RATIOS: &[Comparison] = &[
    (VERIFY, Figure::Cpu, &[DGST], Some(1.0)),
    (VERIFY, Figure::Wall, &[DGST], Some(0.55)),
    (IMPORT, Figure::Cpu, &[CP, DGST], Some(1.0)),
    (IMPORT, Figure::Wall, &[DGST], Some(1.25)),
    (CREATE, Figure::Cpu, &[CP, DGST], Some(1.6)),
    (CREATE, Figure::Wall, &[CP, DGST], Some(1.2)),
    (SIGN, Figure::Wall, &[CP], Some(0.1)),
    (TIMESTAMP, Figure::Wall, &[CP], Some(0.1)),
    (EXTRACT, Figure::Cpu, &[CP, DGST], None),
    (EXTRACT, Figure::Wall, &[CP, DGST], None),
    ("rauc bundle", Figure::Cpu, &[CP, DGST], None),
    ("rauc info", Figure::Cpu, &[DGST], None),
];

/// Memory does not grow with the payload.
pub const PAYLOAD_MEMORY: &[MemoryBar] = &[
    (VERIFY, 20),
    (IMPORT, 20),
    (CREATE, 20),
    (SIGN, 20),
    (TIMESTAMP, 20),
    (EXTRACT, 20),
];

/// The commands on a tree of many files.
pub fn tree() -> Vec<Subject> {
    let create = format!("isi_packager create --tree tree --output new.isi {IDENTITY} {SEAL}");
    vec![
        fixed(TAR, "tar --zstd -cf tree.tar.zst tree", &["tree.tar.zst"]),
        fixed(UNTAR, "tar --zstd -xf tree.tar.zst -C out", &["out/"]),
        Subject {
            name: CREATE_TREE,
            line: create.into(),
            before: &["new.isi", "new.isi.sha256"],
        },
        fixed(
            EXTRACT_TREE,
            "isi_packager extract --package new.isi --files out --home pki",
            &["out"],
        ),
    ]
}

/// What the commands on the tree are compared with.
pub const TREE_RATIOS: &[Comparison] = &[
    (CREATE_TREE, Figure::Cpu, &[TAR], None),
    (CREATE_TREE, Figure::Wall, &[TAR], None),
    (EXTRACT_TREE, Figure::Cpu, &[UNTAR], None),
    (EXTRACT_TREE, Figure::Wall, &[UNTAR], None),
];

/// Compressing takes its windows; unpacking does not.
pub const TREE_MEMORY: &[MemoryBar] = &[(CREATE_TREE, 64), (EXTRACT_TREE, 20)];

fn fixed(name: &'static str, line: &'static str, before: &'static [&'static str]) -> Subject {
    let line = Cow::Borrowed(line);
    Subject { name, line, before }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comparison_names_rows_that_are_measured() {
        let known = |subjects: &[Subject], name: &str| {
            name.starts_with("rauc") || subjects.iter().any(|subject| subject.name == name)
        };
        for (subjects, ratios, memory) in [
            (payload(), PAYLOAD_RATIOS, PAYLOAD_MEMORY),
            (tree(), TREE_RATIOS, TREE_MEMORY),
        ] {
            for (row, _, floors, _) in ratios {
                assert!(known(&subjects, row), "{row}");
                assert!(
                    floors.iter().all(|floor| known(&subjects, floor)),
                    "{floors:?}"
                );
            }
            assert!(memory.iter().all(|(row, _)| known(&subjects, row)));
        }
    }
}
