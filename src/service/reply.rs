use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::{Listed, Outcome, State};
use crate::digest::PackageId;
use crate::release::{PackageType, Version};
use crate::trust::Verdict;

/// Version of the replies' JSON form.
pub const SCHEMA: u32 = 1;

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
}

/// Who signed an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The rule of the identities file that matched.
    pub identity: Option<String>,
    /// Subject of the certificate.
    pub subject: String,
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReply {
    /// Version of this structure.
    pub schema: u32,
    /// What was done.
    pub outcome: Outcome,
    /// What is on record now.
    pub item: Item,
    /// What was checked and found.
    pub verdict: Verdict,
}

/// Part of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many artifacts there are without limit and offset.
    pub total: u64,
    /// How many were left out before the first.
    pub offset: u64,
    /// The artifacts.
    pub items: Vec<Item>,
}

/// What verifying one package or artifact found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedItem {
    /// The file as the caller calls it, or the short ID of the artifact.
    pub item: String,
    /// The ID, if it is known without hashing the whole file once more.
    pub id: Option<PackageId>,
    /// Whether it may be used: signed by those who may sign it, or let pass unsigned on purpose.
    pub accepted: bool,
    /// What it is.
    pub state: State,
    /// Stable code of what is wrong.
    pub code: Option<String>,
    /// One sentence about what is wrong.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The checks, as far as they got.
    pub verdict: Option<Verdict>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many items were verified.
    pub total: u64,
    /// How many of them are not accepted.
    pub problems: u64,
    /// The items.
    pub items: Vec<VerifiedItem>,
}

/// A README.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadmeReply {
    /// Version of this structure.
    pub schema: u32,
    /// The file as the caller calls it, or the short ID of the artifact.
    pub item: String,
    /// The text as it is in the package, not escaped; none if there is no README.
    pub readme: Option<String>,
}

/// What was copied out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReply {
    /// Version of this structure.
    pub schema: u32,
    /// The artifact.
    pub id: PackageId,
    /// Length of the copy in bytes.
    pub size: u64,
    /// The copy.
    pub file: PathBuf,
    /// The file for `sha256sum -c`, if one was asked for.
    pub side_file: Option<PathBuf>,
}

impl From<Listed> for Item {
    fn from(listed: Listed) -> Self {
        let artifact = listed.artifact;
        let signers = listed.signers.into_iter().map(|signer| Signer {
            identity: signer.identity,
            subject: signer.subject,
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
        }
    }
}
