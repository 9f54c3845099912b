//! A machine's own key: for images that it makes of itself.
//!
//! Everything is in one directory. `trust/` is what others need who are to trust the key: anchors, lists
//! and an identities file with one rule. `keys/` stays on the machine. The keys of the two authorities are
//! forgotten as soon as the files are written, so the key signs nothing but images of this machine, and
//! nobody can issue another one.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::fsio::{Dir, FsError};

use super::dev_pki::{Authority, DevPkiError, Home, Purpose, validity};
use super::{
    Credential, KeySigner, LocalAuthority, Sign as _, SignError, TimestampAuthority as _,
    TimestampError, TrustPaths,
};

/// A machine's own key, at hand.
#[derive(Debug)]
pub struct LocalKey {
    directory: PathBuf,
}

/// A signature of the machine with its timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSeal {
    /// CMS, DER.
    pub signature: Vec<u8>,
    /// RFC 3161 token, DER; empty if none was wanted.
    pub timestamp: Vec<u8>,
}

/// A machine's own key that cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalKeyError {
    /// It could not be made.
    #[error("cannot make the local key")]
    Make(#[source] DevPkiError),
    /// Its directory cannot be used.
    #[error("cannot use the directory of the local key")]
    Files(#[from] FsError),
    /// It signed nothing.
    #[error("cannot sign with the local key")]
    Sign(#[from] SignError),
    /// It timestamped nothing.
    #[error("cannot timestamp with the local key")]
    Timestamp(#[from] TimestampError),
}

/// Years that the key and its lists are valid: there is nobody who would renew them.
const YEARS: i64 = 50;
/// Directory of what others need.
const TRUST: &str = "trust";
/// Digits of the key's digest in its names.
const NAME_DIGITS: usize = 12;

impl LocalKey {
    /// The key in `name` below `parent`, which is made if it is not there.
    ///
    /// The caller sees to it that nobody else does the same. What was interrupted begins anew.
    pub fn open_or_create(parent: &Dir, name: &str, now: Timestamp) -> Result<Self, LocalKeyError> {
        let directory = parent.path().join(name);
        if parent.kind_of(name)?.is_none() {
            let unfinished = format!(".{name}.new");
            if parent.kind_of(&unfinished)?.is_some() {
                parent.remove_tree(&unfinished)?;
            }
            generate(&parent.path().join(&unfinished), now).map_err(LocalKeyError::Make)?;
            parent.rename_new(&unfinished, parent, name)?;
            parent.sync()?;
        }
        parent.open_dir(name)?.expect_private()?;
        Ok(Self { directory })
    }

    /// Signs a manifest, and has the signature timestamped with the time `now` if that is wanted.
    pub fn seal(
        &self,
        manifest: &[u8],
        timestamped: bool,
        now: Timestamp,
    ) -> Result<LocalSeal, LocalKeyError> {
        let signature = KeySigner::new(self.credential("signer")?)?.sign(manifest)?;
        let timestamp = if timestamped {
            LocalAuthority::new(self.credential("tsa")?, now)?.timestamp(&signature)?
        } else {
            Vec::new()
        };
        Ok(LocalSeal {
            signature,
            timestamp,
        })
    }

    fn credential(&self, name: &str) -> Result<Credential, SignError> {
        let file = |ending: &str| self.directory.join(format!("keys/{name}.{ending}"));
        Credential::load(&file("key"), &file("pem"), None, &mut || None)
    }
}

impl LocalKeyError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Make(error) => error.code(),
            Self::Files(error) => error.code(),
            Self::Sign(error) => error.code(),
            Self::Timestamp(error) => error.code(),
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Files(error) => error.hint(),
            _ => None,
        }
    }
}

/// Where in its directory the key's trust is.
pub(super) fn paths(directory: &Path) -> TrustPaths {
    let trust = directory.join(TRUST);
    TrustPaths {
        directory: Some(trust.clone()),
        certs: trust.join("certs"),
        tsa_certs: Some(trust.join("tsa-certs")),
        crls: Some(trust.join("crls")),
        identities: trust.join("identities.toml"),
    }
}

fn generate(directory: &Path, now: Timestamp) -> Result<(), DevPkiError> {
    let organization = ("O", "isi local key");
    let named = |name| [organization, ("CN", name)];
    let root = Authority::root_for(&named("Image Authority"), YEARS, YEARS, now)?;
    let tsa_root = Authority::root_for(&named("Timestamp Authority"), YEARS, YEARS, now)?;
    let digest = root.spki_sha256()?.to_string();
    let own: String = digest.chars().take(NAME_DIGITS).collect();
    let subject = [organization, ("OU", own.as_str()), ("CN", "Image Signing")];
    let signer = root.leaf(&subject, Purpose::CodeSigningP256, now)?;
    let tsa = tsa_root.leaf(&named("Timestamps"), Purpose::TimeStamping, now)?;
    let (from, until) = validity(now, YEARS)?;
    let home = Home::create(directory)?;
    for (authority, of) in [(&root, "certs"), (&tsa_root, "tsa-certs")] {
        let certificate = authority.certificate_pem()?;
        home.public(&format!("trust/{of}/local-{own}.pem"), &certificate)?;
        let list = authority.crl_pem(from, until, &[])?;
        home.public(&format!("trust/crls/local-{own}-{of}.crl"), &list)?;
    }
    home.public("trust/identities.toml", &identities(&own, &digest))?;
    for (leaf, name) in [(&signer, "signer"), (&tsa, "tsa")] {
        home.secret(&format!("keys/{name}.key"), &leaf.key)?;
        home.public(&format!("keys/{name}.pem"), &leaf.certificates)?;
    }
    Ok(())
}

/// The rule that others add to their own file.
fn identities(own: &str, issuer: &str) -> String {
    format!(
        "# Images that one machine made of itself.\n\
         [[identity]]\n\
         name = \"local-{own}\"\n\
         subject = \"CN=Image Signing,OU={own},O=isi local key\"\n\
         issuer_spki_sha256 = \"{issuer}\"\n\
         types = [\"onefs\"]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Claims, Sealed, TrustStore, dev_pki};
    use super::*;
    use crate::release::PackageType;
    use std::os::unix::fs::PermissionsExt as _;

    fn now() -> Timestamp {
        "2026-11-01T12:00:00Z".parse().unwrap()
    }

    fn vendor(home: &Path) -> TrustPaths {
        dev_pki::generate(home, now()).unwrap().trust
    }

    /// The codes of what fails, of a package of this type under this trust.
    fn failures(trust: &TrustStore, seal: &LocalSeal, kind: PackageType, at: &str) -> Vec<String> {
        let sealed = Sealed {
            manifest: b"manifest",
            signature: &seal.signature,
            timestamp: &seal.timestamp,
        };
        let authentication = trust.authenticate(&sealed, at.parse().unwrap());
        let claims = Claims {
            package_type: kind,
            product: "",
            version: &"1.0".parse().unwrap(),
        };
        let authorization = trust.authorize(&authentication, &claims, None);
        let checks = authentication.checks().iter().chain(&authorization.checks);
        let failed = checks.filter(|check| check.outcome == super::super::Outcome::Failed);
        failed
            .filter_map(|check| check.code.as_ref().map(ToString::to_string))
            .collect()
    }

    #[test]
    fn what_it_signs_is_trusted_where_the_key_is_and_nowhere_else() {
        let home = tempfile::tempdir().unwrap();
        let paths = vendor(&home.path().join("vendor"));
        let parent = Dir::open_or_create(&home.path().join("system"), 0o700).unwrap();
        let key = LocalKey::open_or_create(&parent, "local-key", now()).unwrap();
        let seal = key.seal(b"manifest", true, now()).unwrap();
        let here = || {
            let store = TrustStore::load(&paths).unwrap();
            store
                .with_local(&home.path().join("system/local-key"))
                .unwrap()
        };
        let later = "2066-11-01T12:00:00Z";
        for at in ["2026-11-01T12:00:00Z", later] {
            // The vendor's lists are not that old: only what the key's own say counts for it.
            let found = failures(&here(), &seal, PackageType::Onefs, at);
            assert_eq!(found, [""; 0], "{at}");
        }
        let elsewhere = TrustStore::load(&paths).unwrap();
        let now = "2026-11-01T12:00:00Z";
        assert_eq!(
            failures(&elsewhere, &seal, PackageType::Onefs, now),
            // Neither the signer nor the timestamp.
            ["E_CHAIN", "E_CHAIN"]
        );
        // It vouches for images and for nothing else.
        assert_eq!(
            failures(&here(), &seal, PackageType::Patch, now),
            ["E_IDENTITY_SCOPE", "E_THRESHOLD"]
        );
        assert_ne!(
            here().fingerprint(now.parse().unwrap()),
            elsewhere.fingerprint(now.parse().unwrap())
        );
    }

    #[test]
    fn a_vendor_who_wants_timestamps_is_still_asked_for_them() {
        let home = tempfile::tempdir().unwrap();
        let mut paths = vendor(&home.path().join("vendor"));
        let parent = Dir::open(home.path()).unwrap();
        let key = LocalKey::open_or_create(&parent, "local-key", now()).unwrap();
        let seal = key.seal(b"manifest", false, now()).unwrap();
        let store = |paths: &TrustPaths| {
            let store = TrustStore::load(paths).unwrap();
            store.with_local(&home.path().join("local-key")).unwrap()
        };
        let now = "2026-11-01T12:00:00Z";
        let found = failures(&store(&paths), &seal, PackageType::Onefs, now);
        assert_eq!(found, ["E_TS_REQUIRED"]);
        paths.tsa_certs = None;
        assert!(!store(&paths).knows_timestamps());
    }

    #[test]
    fn it_is_made_once_and_an_interrupted_attempt_is_made_anew() {
        let home = tempfile::tempdir().unwrap();
        let parent = Dir::open(home.path()).unwrap();
        std::fs::create_dir_all(home.path().join(".local-key.new/keys")).unwrap();
        std::fs::write(home.path().join(".local-key.new/keys/signer.key"), "half").unwrap();
        let make = || LocalKey::open_or_create(&parent, "local-key", now()).unwrap();
        let first = make();
        let key = home.path().join("local-key/keys/signer.key");
        let bytes = std::fs::read(&key).unwrap();
        drop((first, make()));
        assert_eq!(std::fs::read(&key).unwrap(), bytes);
        assert!(!home.path().join(".local-key.new").exists());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&key), 0o600);
        assert_eq!(mode(key.parent().unwrap()), 0o700);
    }

    #[test]
    fn a_key_that_others_may_write_to_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let parent = Dir::open(home.path()).unwrap();
        drop(LocalKey::open_or_create(&parent, "local-key", now()).unwrap());
        let permissions = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(home.path().join("local-key"), permissions).unwrap();
        let error = LocalKey::open_or_create(&parent, "local-key", now()).unwrap_err();
        assert_eq!(error.code(), "E_WRITABLE_BY_OTHERS");
    }
}
