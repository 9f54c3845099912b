use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::{Listed, State};
use crate::digest::PackageId;
use crate::release::{PackageType, Version};

/// What the catalog has on record of one artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// SHA-256 of the whole file.
    pub id: PackageId,
    /// The shortest beginning of the ID, of five digits or more, that no other artifact has.
    pub short_id: String,
    /// Kind of package.
    #[serde(rename = "type")]
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
    /// Who signed it.
    pub signers: Vec<Signer>,
    /// When it came into the catalog.
    pub imported_at: Timestamp,
    /// What the last verification on record found.
    pub state: State,
    /// Stable code of what it found wrong.
    pub state_code: Option<String>,
    /// When that was.
    pub checked_at: Timestamp,
    /// Who needs it.
    pub references: Vec<Reference>,
}

/// Who signed an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The rule of the identities file that matched.
    pub identity: Option<String>,
    /// Subject of the certificate.
    pub subject: String,
}

/// Who needs an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What for: `committed-image`, `installed-patch`, `running-upgrade` or `pin`.
    pub kind: String,
    /// Who.
    pub holder: String,
    /// Why.
    pub reason: String,
}

impl From<Listed> for Item {
    fn from(listed: Listed) -> Self {
        let artifact = listed.artifact;
        let signers = listed.signers.into_iter().map(|signer| Signer {
            identity: signer.identity,
            subject: signer.subject,
        });
        let references = listed.references.into_iter().map(|reference| Reference {
            kind: reference.kind,
            holder: reference.holder,
            reason: reference.reason,
        });
        Self {
            id: artifact.id,
            short_id: listed.short_id,
            package_type: artifact.package_type,
            name: artifact.name,
            version: artifact.version,
            build: artifact.build,
            description: artifact.description,
            product: artifact.product,
            architecture: artifact.architecture,
            branch: artifact.branch,
            release_counter: artifact.release_counter,
            created: artifact.created,
            size: artifact.size,
            readme: artifact.readme,
            signed: artifact.signed,
            unsigned_reason: artifact.unsigned_reason,
            signed_at: artifact.signed_at,
            signers: signers.collect(),
            imported_at: artifact.imported_at,
            state: artifact.state,
            state_code: artifact.state_code,
            checked_at: artifact.checked_at,
            references: references.collect(),
        }
    }
}
