//! The vendor of the vectors about trust: good authorities, and whatever hostile thing they may issue.
//!
//! Every key on a curve is made from its label, so that a vector added later fits the anchors and lists
//! written before, and no private key has to be kept. Anybody can make these keys: nothing that counts
//! may ever trust them.

use jiff::Timestamp;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::X509;
use openssl::x509::extension::KeyUsage;

use crate::certificates::{Owner, Shape, certificate, der};

/// When the certificates and lists begin to be valid.
const FROM: &str = "2026-01-01T00:00:00Z";
/// Until when they are: longer than anybody will want to read a vector.
const TO: &str = "2126-01-01T00:00:00Z";

/// A root, what it certified, and an authority for timestamps under a root of its own.
pub(crate) struct Vendor {
    pub(crate) root: Owner,
    pub(crate) issuing: Owner,
    pub(crate) signer: Owner,
    /// A second good signer, for packages that need two.
    pub(crate) second: Owner,
    /// A good signer whom the rules allow patches only.
    pub(crate) narrow: Owner,
    /// A good signer whose certificate is on the list of the revoked.
    pub(crate) revoked: Owner,
    /// An authority whose list is too old.
    pub(crate) stale: Owner,
    /// An authority that publishes a list but was not certified for lists.
    pub(crate) uncertified: Owner,
    pub(crate) tsa_root: Owner,
    pub(crate) tsa: Owner,
}

impl Vendor {
    pub(crate) fn new() -> Self {
        let root = root("Root", "root");
        let authority = |name: &str| issue(&root, name, Shape::authority(name));
        let issuing = authority("Issuing");
        let leaf = |name: &str| issue(&issuing, name, Shape::signer(name));
        let mut certificates_only = KeyUsage::new();
        certificates_only.critical().key_cert_sign();
        let uncertified = Shape {
            key_usage: Some(certificates_only),
            ..Shape::authority("Uncertified")
        };
        let tsa_root = self::root("Timestamp Root", "timestamp root");
        Self {
            signer: leaf("Signer"),
            second: leaf("Second"),
            narrow: leaf("Narrow"),
            revoked: issue(&issuing, "revoked signer", Shape::signer("Signer")),
            stale: authority("Stale"),
            uncertified: issue(&root, "uncertified", uncertified),
            tsa: issue(&tsa_root, "Timestamps", Shape::tsa("Timestamps")),
            issuing,
            root,
            tsa_root,
        }
    }

    /// The trust folders: the path below `trust/` and the bytes of every file.
    pub(crate) fn trust(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (folder, policy) in [
            ("hostile", ""),
            ("threshold", "[policy]\nthreshold = 2\n"),
            ("lists", ""),
        ] {
            let mut add = |name: &str, bytes| files.push((format!("{folder}/{name}"), bytes));
            add("certs/root.pem", self.root.pem());
            add("tsa-certs/root.pem", self.tsa_root.pem());
            add(
                "identities.toml",
                format!("{}{policy}", self.rules()).into_bytes(),
            );
        }
        let fresh = (moment(FROM), moment(TO));
        let old = (moment(FROM), moment("2026-02-01T00:00:00Z"));
        for (name, list) in [
            ("root", crl(&self.root, fresh, None)),
            ("tsa", crl(&self.tsa_root, fresh, None)),
            (
                "issuing",
                crl(&self.issuing, fresh, Some(&self.revoked.cert)),
            ),
            ("stale", crl(&self.stale, old, None)),
            ("uncertified", crl(&self.uncertified, fresh, None)),
        ] {
            files.push((format!("lists/crls/{name}.crl"), list));
        }
        files
    }

    fn rules(&self) -> String {
        let rule = |name: &str, more: &str| {
            format!(
                "[[identity]]\nname = \"{}\"\nsubject = \"CN={name},O=Test\"\nissuer_spki_sha256 = \"{}\"\n{more}\n",
                name.to_lowercase(),
                self.issuing.spki()
            )
        };
        [
            rule("Signer", ""),
            rule("Second", ""),
            rule("Narrow", "types = [\"patch\"]\n"),
        ]
        .concat()
    }
}

/// A self-signed authority.
pub(crate) fn root(common_name: &str, label: &str) -> Owner {
    let key = key(label);
    let shape = lasting(Shape::authority(common_name), label);
    let cert = certificate(&shape, &key, &shape.subject, None, &key);
    Owner { key, cert }
}

/// A certificate of this shape, valid for a hundred years; no two have one label.
pub(crate) fn issue(issuer: &Owner, label: &str, shape: Shape) -> Owner {
    issuer.issue_for(&lasting(shape, label), key(label))
}

/// The shape with a serial number of its own, valid for a hundred years.
pub(crate) fn lasting(shape: Shape, label: &str) -> Shape {
    let mut serial = digest(&format!("serial number of {label}"));
    serial.truncate(12);
    serial[0] = 0x42;
    Shape {
        serial,
        from: moment(FROM),
        to: moment(TO),
        ..shape
    }
}

/// The key on P-256 with this label.
pub(crate) fn key(label: &str) -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let secret = BigNum::from_slice(&digest(&format!("private key of {label}"))).unwrap();
    let mut public = EcPoint::new(&group).unwrap();
    let mut context = BigNumContext::new().unwrap();
    public
        .mul_generator2(&group, &secret, &mut context)
        .unwrap();
    let key = EcKey::from_private_components(&group, &secret, &public).unwrap();
    PKey::from_ec_key(key).unwrap()
}

fn digest(text: &str) -> Vec<u8> {
    let text = format!("isi-catalog vectors: {text}");
    hash(MessageDigest::sha256(), text.as_bytes())
        .unwrap()
        .to_vec()
}

pub(crate) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A revocation list, PEM, of version 1, with an entry that gives no reason.
fn crl(issuer: &Owner, (from, to): (Timestamp, Timestamp), revoked: Option<&X509>) -> Vec<u8> {
    let ecdsa_sha256 = der(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
    let algorithm = der(0x30, &[&ecdsa_sha256]);
    let name = issuer.cert.subject_name().to_der().unwrap();
    let entries = revoked.map_or_else(Vec::new, |cert| {
        let serial = cert.serial_number().to_bn().unwrap().to_vec();
        let entry = der(0x30, &[&der(2, &[&serial]), &time(from)]);
        der(0x30, &[&entry])
    });
    let list = der(0x30, &[&algorithm, &name, &time(from), &time(to), &entries]);
    let signature = Signer::new(MessageDigest::sha256(), &issuer.key)
        .and_then(|mut signer| signer.sign_oneshot_to_vec(&list))
        .unwrap();
    let list = der(0x30, &[&list, &algorithm, &der(3, &[&[0], &signature])]);
    openssl::x509::X509Crl::from_der(&list)
        .unwrap()
        .to_pem()
        .unwrap()
}

/// `UTCTime` until 2049 and `GeneralizedTime` after, as RFC 5280 wants.
fn time(moment: Timestamp) -> Vec<u8> {
    let text = moment.strftime("%Y%m%d%H%M%SZ").to_string();
    match text.strip_prefix("20") {
        Some(short) if short < "50" => der(0x17, &[short.as_bytes()]),
        _ => der(0x18, &[text.as_bytes()]),
    }
}
