//! Packages whose container and manifest are right, and whose signature nobody should believe.
//!
//! One vector for each refusal in `format-spec/identities.md`, and for each trust folder one good package,
//! so that what is refused there is refused for its own fault.

use std::path::Path;

use isi_catalog::isi_file::Envelope;
use isi_catalog::trust::{LocalAuthority, TimestampAuthority as _, append_signature, limits};
use jiff::Timestamp;
use openssl::bn::BigNum;
use openssl::cms::CMSOptions;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::Rsa;
use openssl::x509::X509;
use openssl::x509::extension::KeyUsage;

use crate::certificates::{Owner, Shape, extension};
use crate::forge::{self, SHA256, tst_info};
use crate::good::tiny;
use crate::keys::{sealed, stamped};
use crate::vector::{Vector, create};
use crate::vectors::{Stage, folder};
use crate::vendor::{Vendor, issue, key, lasting, moment, root};

/// The trust of most vectors: good anchors, rules for the good signers, no lists.
const HOSTILE: &str = "hostile";
/// The same, and two different signers are needed.
const THRESHOLD: &str = "threshold";
/// The same as the first, with revocation lists.
const LISTS: &str = "lists";

const DETACHED: CMSOptions = CMSOptions::BINARY.union(CMSOptions::DETACHED);

/// Writes the trust folders of these vectors where they are missing, and makes the vectors.
pub(crate) fn vectors() -> Vec<Vector> {
    let vendor = Vendor::new();
    for (path, bytes) in vendor.trust() {
        let path = folder().join("trust").join(path);
        if !path.exists() {
            create(&path, &bytes);
        }
    }
    let package = tiny();
    let envelope = Envelope::read(&package).unwrap();
    let payload = usize::try_from(envelope.regions_end).unwrap();
    let home = tempfile::tempdir().unwrap();
    let maker = Maker {
        vendor: &vendor,
        home: home.path(),
        payload: &package[..payload],
        manifest: &envelope.manifest,
    };
    [
        maker.accepted(),
        maker.structures(),
        maker.algorithms(),
        maker.certificates(),
        maker.chains(),
        maker.timestamps(),
        maker.lists(),
        maker.rules(),
    ]
    .concat()
}

struct Maker<'a> {
    vendor: &'a Vendor,
    /// Where the command-line tool works.
    home: &'a Path,
    payload: &'a [u8],
    manifest: &'a [u8],
}

impl Maker<'_> {
    fn accepted(&self) -> Vec<Vector> {
        [
            (HOSTILE, "signed and timestamped", self.good()),
            (THRESHOLD, "signed by two, as the policy wants", self.two()),
            (LISTS, "no certificate is on a revocation list", self.good()),
        ]
        .map(|(trust, about, signature)| {
            let package = self.package(&signature, &stamp(self.vendor, &signature));
            let name = format!("trust-{trust}");
            Vector::good(&name, about, Stage::Verify, package).trust(trust)
        })
        .to_vec()
    }

    /// What is wrong before any certificate is looked at.
    fn structures(&self) -> Vec<Vector> {
        let good = self.good();
        let Vendor {
            signer, issuing, ..
        } = self.vendor;
        let by_library = |content, options| signer.cms(&[&issuing.cert], content, options);
        let untyped = self.by_tool(signer, &["-econtent_type", "1.2.3.4"]);
        let large = Shape {
            extra: vec![extension(
                "1.2.3.4",
                false,
                &[0; limits::MAX_CERTIFICATE_LENGTH],
            )],
            ..Shape::signer("Signer")
        };
        let rogue = issue(
            &root("Root", "rogue"),
            "rogue signer",
            Shape::signer("Signer"),
        );
        vec![
            self.bad(
                "E_FORMAT",
                "a byte follows the signature",
                [good.as_slice(), &[0]].concat(),
            ),
            self.bad("E_TOO_MANY", "nine signers", self.crowd()),
            self.bad(
                "E_TOO_LARGE",
                "a certificate of more than 16 KiB",
                self.by_leaf("large", large),
            ),
            self.bad(
                "E_NOT_DETACHED",
                "the signature carries the manifest",
                by_library(self.manifest, CMSOptions::BINARY),
            ),
            self.bad("E_CONTENT_TYPE", "content of type 1.2.3.4", untyped),
            self.bad(
                "E_WEAK_DIGEST",
                "signed with SHA-1",
                self.by_tool(signer, &["-md", "sha1"]),
            ),
            self.bad(
                "E_SIGNED_ATTRS",
                "no signed attributes",
                by_library(self.manifest, DETACHED | CMSOptions::NOATTR),
            ),
            self.bad(
                "E_SIGNATURE",
                "the signature is over another manifest",
                by_library(b"another manifest", DETACHED),
            ),
            self.bad(
                "E_SIGNER_COUNT",
                "one of two signers leads to no anchor",
                self.append(&good, &rogue, &[]),
            ),
        ]
    }

    /// Algorithms and keys.
    fn algorithms(&self) -> Vec<Vector> {
        let Vendor {
            root,
            issuing,
            signer,
            ..
        } = self.vendor;
        let leaf = |label: &str, key: PKey<Private>| {
            issuing.issue_for(&lasting(Shape::signer("Signer"), label), key)
        };
        let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let curve = EcGroup::from_curve_name(Nid::SECP256K1).unwrap();
        let curve = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
        let pss = self.by_tool(
            &leaf("pss", rsa(3072)),
            &["-keyopt", "rsa_padding_mode:pss"],
        );
        let huge = root.certify(&lasting(Shape::authority("Huge"), "huge"), &rsa_16384());
        vec![
            self.bad("E_SIGNATURE_ALGORITHM", "RSA with PSS padding", pss),
            self.bad(
                "E_KEY_TYPE",
                "the signer's key is on the curve secp256k1",
                self.by(&leaf("secp256k1", curve)),
            ),
            self.bad(
                "E_WEAK_KEY",
                "the signer's key is RSA of 2048 bits",
                self.by(&leaf("short", rsa(2048))),
            ),
            self.bad(
                "E_KEY_SIZE",
                "a certificate that nobody needs has an RSA key of 16384 bits",
                signer.cms(&[&issuing.cert, &huge], self.manifest, DETACHED),
            ),
        ]
    }

    /// The signer's own certificate.
    fn certificates(&self) -> Vec<Vector> {
        let signer = || Shape::signer("Signer");
        let authority = Shape {
            is_ca: true,
            ..signer()
        };
        let web = Shape {
            purposes: vec!["serverAuth"],
            ..signer()
        };
        let mut usage = KeyUsage::new();
        usage.critical().key_encipherment();
        let encipherment = Shape {
            key_usage: Some(usage),
            ..signer()
        };
        let expired = Shape {
            to: moment("2026-02-01T00:00:00Z"),
            ..lasting(signer(), "expired")
        };
        let early = Shape {
            from: moment("2027-01-01T00:00:00Z"),
            ..lasting(signer(), "early")
        };
        let timed = |shape| self.by(&self.vendor.issuing.issue_for(&shape, key("timed")));
        vec![
            self.bad(
                "E_CERT_PROFILE",
                "the signer is an authority",
                self.by_leaf("authority", authority),
            ),
            self.bad(
                "E_EKU",
                "the signer's certificate is for a web server",
                self.by_leaf("web", web),
            ),
            self.bad(
                "E_KEY_USAGE",
                "the signer's key is for encipherment",
                self.by_leaf("encipherment", encipherment),
            ),
            self.bad(
                "E_CERT_EXPIRED",
                "the signer expired before the timestamp",
                timed(expired),
            ),
            self.bad(
                "E_CERT_NOT_YET_VALID",
                "the signer is valid only after the timestamp",
                timed(early),
            ),
        ]
    }

    /// From the signer up to an anchor.
    fn chains(&self) -> Vec<Vector> {
        let rogue_root = root("Root", "rogue");
        let rogue_issuing = issue(&rogue_root, "rogue issuing", Shape::authority("Issuing"));
        let rogue = issue(&rogue_issuing, "rogue signer", Shape::signer("Signer"));
        let mut tower = vec![self.vendor.root.clone()];
        for level in 1..limits::MAX_CHAIN {
            let name = format!("Level {level}");
            let above = tower.last().unwrap();
            tower.push(issue(above, &name, Shape::authority(&name)));
        }
        let high = issue(tower.last().unwrap(), "high", Shape::signer("Signer"));
        let tower: Vec<&X509> = tower.iter().skip(1).map(|owner| &owner.cert).collect();
        let sign = |owner: &Owner, chain: &[&X509]| owner.cms(chain, self.manifest, DETACHED);
        vec![
            self.bad(
                "E_UNTRUSTED",
                "the root has the anchor's name and another key",
                sign(&rogue, &[&rogue_issuing.cert, &rogue_root.cert]),
            ),
            self.bad(
                "E_CHAIN",
                "the certificate of the signer's issuer is missing",
                sign(&self.vendor.signer, &[]),
            ),
            self.bad(
                "E_CHAIN_LENGTH",
                "six certificates from the signer to the anchor",
                sign(&high, &tower),
            ),
        ]
    }

    fn timestamps(&self) -> Vec<Vector> {
        let Vendor { tsa, tsa_root, .. } = self.vendor;
        let good = self.good();
        let bad = |code, about, signature: &[u8], token: &[u8]| {
            refused(code, about, HOSTILE, self.package(signature, token))
        };
        let early = stamp_at(self.vendor, &good, moment("2019-12-31T23:59:59Z"));
        let web = Shape {
            purposes: vec!["serverAuth"],
            ..Shape::tsa("Timestamps")
        };
        let web = issue(tsa_root, "web timestamps", web);
        let imprint = hash(MessageDigest::sha256(), &good).unwrap();
        let info = tst_info(SHA256, &imprint, stamped());
        let web = forge::token(self.home, &web, &info, &["-cades"]);
        let unnamed = forge::token(self.home, tsa, &info, &[]);
        vec![
            bad(
                "E_TS_IMPRINT",
                "the token is over another signature",
                &good,
                &stamp(self.vendor, b"another signature"),
            ),
            bad("E_TS_TIME", "a token from before 2020", &good, &early),
            bad("E_TS_EKU", "the token is from a web server", &good, &web),
            bad(
                "E_TS_SIGNATURE",
                "the token does not name its certificate (ESS)",
                &good,
                &unnamed,
            ),
            bad(
                "E_TS_ALONE",
                "a token without a signature",
                &[],
                &stamp(self.vendor, &[]),
            ),
            bad(
                "E_TS_REQUIRED",
                "no token where one is required",
                &good,
                &[],
            ),
        ]
    }

    fn lists(&self) -> Vec<Vector> {
        let Vendor {
            root,
            revoked,
            stale,
            uncertified,
            ..
        } = self.vendor;
        let unlisted = issue(root, "unlisted", Shape::authority("Unlisted"));
        let below = |code, about, authority: &Owner| {
            let label = format!("below {code}");
            let signer = issue(authority, &label, Shape::signer("Signer"));
            let signature = signer.cms(&[&authority.cert], self.manifest, DETACHED);
            self.stamped(code, about, LISTS, &signature)
        };
        vec![
            self.stamped(
                "E_REVOKED",
                "the signer's certificate was revoked, and no reason is given",
                LISTS,
                &self.by(revoked),
            ),
            below(
                "E_CRL_MISSING",
                "the signer's issuer has no list",
                &unlisted,
            ),
            below(
                "E_CRL_STALE",
                "the list of the signer's issuer is old",
                stale,
            ),
            below(
                "E_CRL_INVALID",
                "the signer's issuer may not sign lists",
                uncertified,
            ),
        ]
    }

    /// Who may sign what, and policy.
    fn rules(&self) -> Vec<Vector> {
        let Vendor { root, narrow, .. } = self.vendor;
        let sibling = issue(root, "sibling", Shape::authority("Sibling"));
        let double = issue(&sibling, "double", Shape::signer("Signer"));
        let double = double.cms(&[&sibling.cert], self.manifest, DETACHED);
        let unsigned = self.package(&[], &[]);
        vec![
            self.bad(
                "E_IDENTITY",
                "a signer of the right issuer whom no rule names",
                self.by_leaf("stranger", Shape::signer("Stranger")),
            ),
            self.bad(
                "E_IDENTITY_ISSUER",
                "the signer's name, certified by another authority below the same root",
                double,
            ),
            self.bad(
                "E_IDENTITY_SCOPE",
                "the signer may sign patches only",
                self.by(narrow),
            ),
            self.stamped(
                "E_THRESHOLD",
                "signed by one where two are needed",
                THRESHOLD,
                &self.good(),
            ),
            refused("E_UNSIGNED", "not signed", HOSTILE, unsigned),
        ]
    }

    fn good(&self) -> Vec<u8> {
        self.by(&self.vendor.signer)
    }

    fn two(&self) -> Vec<u8> {
        let Vendor {
            second, issuing, ..
        } = self.vendor;
        self.append(&self.good(), second, &[&issuing.cert])
    }

    /// Signed by a leaf of the good issuing authority.
    fn by(&self, signer: &Owner) -> Vec<u8> {
        signer.cms(&[&self.vendor.issuing.cert], self.manifest, DETACHED)
    }

    /// Signed by such a leaf of any shape.
    fn by_leaf(&self, label: &str, shape: Shape) -> Vec<u8> {
        self.by(&issue(&self.vendor.issuing, label, shape))
    }

    /// Signed by such a leaf with the command-line tool.
    fn by_tool(&self, signer: &Owner, more: &[&str]) -> Vec<u8> {
        let chain = [&self.vendor.issuing.cert];
        forge::cms(self.home, signer, &chain, self.manifest, more)
    }

    fn append(&self, signature: &[u8], signer: &Owner, chain: &[&X509]) -> Vec<u8> {
        append_signature(signature, self.manifest, &signer.key_signer(chain)).unwrap()
    }

    /// One signer more than there may be.
    fn crowd(&self) -> Vec<u8> {
        let mut more = Vec::new();
        for number in 1..=limits::MAX_SIGNERS {
            let name = format!("Signer {number}");
            let signer = issue(&self.vendor.issuing, &name, Shape::signer(&name));
            let file = |ending: &str| format!("{number}.{ending}");
            let key = signer.key.private_key_to_pem_pkcs8().unwrap();
            std::fs::write(self.home.join(file("pem")), signer.pem()).unwrap();
            std::fs::write(self.home.join(file("key")), key).unwrap();
            let words = ["-signer".to_owned(), file("pem")];
            more.extend(words.into_iter().chain(["-inkey".to_owned(), file("key")]));
        }
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        self.by_tool(&self.vendor.signer, &more)
    }

    fn package(&self, signature: &[u8], token: &[u8]) -> Vec<u8> {
        sealed(self.payload, self.manifest, signature, token)
    }

    /// A refused package under the trust of most vectors, with a good token.
    fn bad(&self, code: &str, about: &str, signature: impl AsRef<[u8]>) -> Vector {
        self.stamped(code, about, HOSTILE, signature.as_ref())
    }

    fn stamped(&self, code: &str, about: &str, trust: &str, signature: &[u8]) -> Vector {
        let package = self.package(signature, &stamp(self.vendor, signature));
        refused(code, about, trust, package)
    }
}

fn refused(code: &str, about: &str, trust: &str, package: Vec<u8>) -> Vector {
    Vector::bad(code, "", about, Stage::Verify, package).trust(trust)
}

fn stamp(vendor: &Vendor, signature: &[u8]) -> Vec<u8> {
    stamp_at(vendor, signature, stamped())
}

fn stamp_at(vendor: &Vendor, signature: &[u8], time: Timestamp) -> Vec<u8> {
    LocalAuthority::new(vendor.tsa.credential(&[]), time)
        .unwrap()
        .timestamp(signature)
        .unwrap()
}

/// A public key that nobody can use, and nobody should try to.
fn rsa_16384() -> PKey<Public> {
    let mut modulus = vec![0; 2048];
    openssl::rand::rand_bytes(&mut modulus).unwrap();
    modulus[0] |= 0x80;
    modulus[2047] |= 1;
    let modulus = BigNum::from_slice(&modulus).unwrap();
    let exponent = BigNum::from_u32(65_537).unwrap();
    PKey::from_rsa(Rsa::from_public_components(modulus, exponent).unwrap()).unwrap()
}
