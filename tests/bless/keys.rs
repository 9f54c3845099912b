//! The vectors' own authorities, signers and trust: made once, then read from the repository.
//!
//! The private keys of signers and of the timestamp authority lie in `tests/keys/`; those of the
//! authorities above them are forgotten. What a reader trusts lies in `certs/` and `identities/` at the
//! top of the repository, and once more in `format-spec/vectors/trust/default/`, so that the folder of
//! the specification is enough to try a reader with.

use std::path::{Path, PathBuf};

use isi_catalog::trust::dev_pki::{Authority, Leaf, Purpose};
use isi_catalog::trust::{
    Credential, KeySigner, LocalAuthority, Sign as _, TimestampAuthority as _, append_signature,
};
use jiff::{Timestamp, ToSpan as _};

use crate::vector::create;
use crate::vectors;

/// When the certificates were made.
pub(crate) fn made() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

/// When the packages were signed and timestamped.
pub(crate) fn stamped() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().unwrap()
}

/// When a reader looks at the packages.
pub(crate) fn later() -> Timestamp {
    "2026-11-03T12:00:00Z".parse().unwrap()
}

/// The signers: name of the files, name in the certificate, kind of the key.
const SIGNERS: [(&str, &str, Purpose); 4] = [
    ("signer-p256", "Test Signer P-256", Purpose::CodeSigningP256),
    ("signer-p384", "Test Signer P-384", Purpose::CodeSigningP384),
    (
        "signer-rsa3072",
        "Test Signer RSA-3072",
        Purpose::CodeSigningRsa3072,
    ),
    ("approver-p256", "Test Approver", Purpose::CodeSigningP256),
];

/// The timestamp authority's files.
const TSA: &str = "tsa";

/// Variants of the default trust: name of the folder, and lines of `[policy]`.
const VARIANTS: [(&str, &str); 4] = [
    ("default", ""),
    ("timestamp-if-present", "timestamp = \"if-present\"\n"),
    ("unsigned-ask", "unsigned = \"ask\"\n"),
    ("two-signers", "threshold = 2\n"),
];

/// The private keys of the vectors.
#[derive(Debug)]
pub(crate) struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// Opens the keys; makes them, and the trust that goes with them, if there are none.
    pub(crate) fn open() -> Self {
        let folder = root().join("tests/keys");
        if !folder.join("tsa.key").exists() {
            make(&folder);
            println!("made new test keys and trust: vectors made before do not fit them");
        }
        Self { folder }
    }

    fn credential(&self, name: &str) -> Credential {
        let file = |ending: &str| self.folder.join(format!("{name}.{ending}"));
        Credential::load(&file("key"), &file("pem"), None, &mut || None).unwrap()
    }

    /// The signature of all `signers`, by the names of their files, over `manifest`.
    pub(crate) fn sign(&self, signers: &[&str], manifest: &[u8]) -> Vec<u8> {
        let mut signature = Vec::new();
        for name in signers {
            let signer = KeySigner::new(self.credential(name)).unwrap();
            signature = if signature.is_empty() {
                signer.sign(manifest).unwrap()
            } else {
                append_signature(&signature, manifest, &signer).unwrap()
            };
        }
        signature
    }

    /// The token of the timestamp authority over `signature`.
    pub(crate) fn timestamp(&self, signature: &[u8]) -> Vec<u8> {
        let authority = LocalAuthority::new(self.credential(TSA), stamped()).unwrap();
        authority.timestamp(signature).unwrap()
    }

    /// A whole package: `regions` as they stand in the file, `manifest` signed and timestamped.
    pub(crate) fn seal(&self, regions: &[u8], manifest: &[u8]) -> Vec<u8> {
        let signature = self.sign(&["signer-p256"], manifest);
        let timestamp = self.timestamp(&signature);
        sealed(regions, manifest, &signature, &timestamp)
    }
}

/// A whole package of these parts.
pub(crate) fn sealed(
    regions: &[u8],
    manifest: &[u8],
    signature: &[u8],
    timestamp: &[u8],
) -> Vec<u8> {
    let end = u64::try_from(regions.len()).unwrap();
    let tail = isi_catalog::isi_file::seal(end, manifest, signature, timestamp).unwrap();
    [regions, &tail].concat()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn subject(name: &str) -> [(&str, &str); 3] {
    [("C", "US"), ("O", "isi-catalog test"), ("CN", name)]
}

fn make(keys: &Path) {
    let now = made();
    let package_root = Authority::root(&subject("Test Package Root"), now).unwrap();
    let issuing = package_root
        .authority(&subject("Test Package Issuer"), now)
        .unwrap();
    let tsa_root = Authority::root(&subject("Test Timestamp Root"), now).unwrap();
    for (file, name, purpose) in SIGNERS {
        save(
            keys,
            file,
            &issuing.leaf(&subject(name), purpose, now).unwrap(),
        );
    }
    let tsa = subject("Test Timestamp Authority");
    save(
        keys,
        TSA,
        &tsa_root.leaf(&tsa, Purpose::TimeStamping, now).unwrap(),
    );

    let until = now.checked_add((10 * 365 * 24).hours()).unwrap();
    let list = |authority: &Authority| authority.crl_pem(now, until, &[]).unwrap();
    let files = [
        (
            "certs/packages",
            "certs",
            "root.pem",
            package_root.certificate_pem().unwrap(),
        ),
        (
            "certs/tsa",
            "tsa-certs",
            "tsa-root.pem",
            tsa_root.certificate_pem().unwrap(),
        ),
        ("certs/crls", "crls", "root.crl", list(&package_root)),
        ("certs/crls", "crls", "issuer.crl", list(&issuing)),
        ("certs/crls", "crls", "tsa-root.crl", list(&tsa_root)),
    ];
    let identities = identities(&issuing.spki_sha256().unwrap().to_string());
    for (top, _, file, text) in &files {
        create(&root().join(top).join(file), text.as_bytes());
    }
    create(
        &root().join("identities/identities.toml"),
        identities.as_bytes(),
    );
    for (variant, policy) in VARIANTS {
        let folder = vectors::folder().join("trust").join(variant);
        for (_, part, file, text) in &files {
            create(&folder.join(part).join(file), text.as_bytes());
        }
        let text = if policy.is_empty() {
            identities.clone()
        } else {
            format!("{identities}\n[policy]\n{policy}")
        };
        create(&folder.join("identities.toml"), text.as_bytes());
    }
}

fn identities(issuer: &str) -> String {
    let heading =
        "# The signers of the test vectors. They protect nothing: their keys are public.\n";
    let rules = SIGNERS.map(|(file, name, _)| {
        format!(
            "\n[[identity]]\nname = \"{file}\"\nsubject = \"CN={name},O=isi-catalog test,C=US\"\n\
             issuer_spki_sha256 = \"{issuer}\"\n"
        )
    });
    format!("{heading}{}", rules.concat())
}

fn save(folder: &Path, name: &str, leaf: &Leaf) {
    create(&folder.join(format!("{name}.key")), leaf.key.as_bytes());
    create(
        &folder.join(format!("{name}.pem")),
        leaf.certificates.as_bytes(),
    );
}
