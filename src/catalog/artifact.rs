use jiff::Timestamp;

use crate::digest::{PackageId, Sha256Digest};
use crate::release::{PackageType, Version};
use crate::trust::{CheckName, Verdict};

/// Digits of an ID in a file name; 48 bits keep even a million artifacts apart.
const ID_DIGITS: usize = 12;
/// Longest file name, in bytes, that every common file system takes.
const MAX_FILE_NAME: usize = 255;

/// What the catalog knows of a package it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// SHA-256 of the whole file.
    pub id: PackageId,
    /// Kind of package.
    pub package_type: PackageType,
    /// Name.
    pub name: String,
    /// Version.
    pub version: Version,
    /// Build label of the vendor; may be empty.
    pub build: String,
    /// One line for listings; may be empty.
    pub description: String,
    /// Product the package is for; empty: any.
    pub product: String,
    /// Machine architecture the package is for; empty: any.
    pub architecture: String,
    /// Source branch it was built from; may be empty.
    pub branch: String,
    /// Counts the releases of the product.
    pub release_counter: u64,
    /// When the package was made.
    pub created: Timestamp,
    /// Length of the file in bytes.
    pub size: u64,
    /// Whether there is a README.
    pub readme: bool,
    /// Whether somebody signed it.
    pub signed: bool,
    /// Why it was let in unsigned; set if and only if it is.
    pub unsigned_reason: Option<String>,
    /// When it was signed, as its verified timestamp says.
    pub signed_at: Option<Timestamp>,
    /// Digest of its manifest.
    pub manifest: Sha256Digest,
    /// Digest of its footer, which together with the signed digests stands for the whole file.
    pub footer: Sha256Digest,
    /// When it came into the catalog.
    pub imported_at: Timestamp,
    /// What the last verification found.
    pub state: State,
    /// Stable code of what it found wrong.
    pub state_code: Option<String>,
    /// When that was.
    pub checked_at: Timestamp,
}

impl Artifact {
    /// A file name for a copy of it, unlike that of any other artifact: name, version, start of the ID.
    ///
    /// Never hidden, and short enough that `.sha256` can follow.
    pub fn file_name(&self) -> String {
        let id: String = self.id.to_string().chars().take(ID_DIGITS).collect();
        let mut start = format!("{}-{}", self.name, self.version);
        if start.starts_with('.') {
            start.replace_range(..1, "_");
        }
        let room = MAX_FILE_NAME.saturating_sub(id.len().saturating_add("-.isi.sha256".len()));
        start.truncate(start.floor_char_boundary(room));
        format!("{start}-{id}.isi")
    }

    /// Digest of everything that follows from the package itself, whoever trusts it.
    pub(super) fn facts(&self) -> Sha256Digest {
        digest_of(&(
            (
                self.id,
                self.package_type,
                &self.name,
                self.version.to_string(),
            ),
            (&self.build, &self.description, &self.product),
            (&self.architecture, &self.branch, self.release_counter),
            (self.created.as_microsecond(), self.size, self.readme),
            (self.signed, self.manifest, self.footer),
        ))
    }

    /// Digest of what one version of one software is told by.
    pub(super) fn software(&self) -> Sha256Digest {
        digest_of(&(
            (self.package_type, &self.name, self.version.to_string()),
            (&self.build, &self.product, &self.architecture),
        ))
    }
}

/// The digest of values, for comparing them without keeping them.
fn digest_of(values: &impl serde::Serialize) -> Sha256Digest {
    // Numbers and text: there is nothing in them that JSON could not say.
    Sha256Digest::of(&serde_json::to_vec(values).unwrap_or_default())
}

/// What the last verification of an artifact found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Signed by those who may sign it, and every byte is as signed.
    Verified,
    /// Not signed, let in on purpose, and every byte is as it was then.
    Unsigned,
    /// Its signature, signer or timestamp is no longer accepted.
    Untrusted,
    /// A certificate it rests on was revoked.
    Revoked,
    /// Its bytes are not the ones that its ID names.
    Corrupt,
    /// Its file is gone.
    Missing,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Verified,
        Self::Unsigned,
        Self::Untrusted,
        Self::Revoked,
        Self::Corrupt,
        Self::Missing,
    ];

    /// The word used in the database, tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unsigned => "unsigned",
            Self::Untrusted => "untrusted",
            Self::Revoked => "revoked",
            Self::Corrupt => "corrupt",
            Self::Missing => "missing",
        }
    }

    /// What a refusal makes of a package: damaged, revoked, or not trusted.
    pub fn of_refusal(verdict: &Verdict) -> Self {
        let failure = verdict.first_failure();
        let code = failure.and_then(|check| check.code.as_deref());
        match failure.map(|check| check.name) {
            Some(CheckName::Structure | CheckName::Digests) => Self::Corrupt,
            // A list that is missing or out of date revokes nothing: it only proves nothing.
            Some(CheckName::Revocation) if code == Some("E_REVOKED") => Self::Revoked,
            _ => Self::Untrusted,
        }
    }

    /// Whether the file has the content that its ID names, trusted or not.
    pub const fn is_whole(self) -> bool {
        !matches!(self, Self::Corrupt | Self::Missing)
    }

    /// Whether the artifact may be used as it is.
    pub const fn is_sound(self) -> bool {
        matches!(self, Self::Verified | Self::Unsigned)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::artifact;
    use super::*;

    #[test]
    fn a_copy_is_called_by_name_version_and_id() {
        assert_eq!(artifact("abc").file_name(), "name-1.0-abc000000000.isi");
    }

    #[test]
    fn no_name_makes_a_copy_hidden_or_too_long() {
        let named = |name: &str| Artifact {
            name: name.to_owned(),
            ..artifact("abc")
        };
        assert_eq!(named(".name").file_name(), "_name-1.0-abc000000000.isi");
        for letter in ["a", "\u{e4}", "\u{20ac}"] {
            let long = named(&letter.repeat(255 / letter.len())).file_name();
            assert!(long.ends_with("-abc000000000.isi"), "{long}");
            assert!(
                (250..=255).contains(&(long.len() + ".sha256".len())),
                "{long}"
            );
        }
    }
}
