use std::path::PathBuf;

use crate::fsio::{FsError, shell_word, trusted_owners};

use super::{IdentitiesError, Refusal};

/// Trust that cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A configured directory or file does not exist.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The path as configured.
        path: PathBuf,
    },
    /// A configured directory is something else.
    #[error("{} is not a directory", path.display())]
    NotADirectory {
        /// The path as configured.
        path: PathBuf,
    },
    /// A directory or file that cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: FsError,
    },
    /// A directory or file that is neither root's nor the caller's.
    #[error("{} belongs to user {owner}: expected {}", path.display(), trusted_owners(*user))]
    NotOwner {
        /// The path.
        path: PathBuf,
        /// User ID of its owner.
        owner: u32,
        /// Effective user ID of the process.
        user: u32,
    },
    /// A directory or file that everybody may change.
    #[error("{} may be changed by everybody (mode {mode:o})", path.display())]
    WorldWritable {
        /// The path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A directory or file that a group may change.
    #[error("{} may be changed by its group (mode {mode:o})", path.display())]
    GroupWritable {
        /// The path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A directory without anything to trust.
    #[error("{} holds no {expected}", path.display())]
    DirectoryEmpty {
        /// The path as configured.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// A directory of more names than are read.
    #[error("{} holds {found} names: expected at most {limit}", path.display())]
    TooManyFiles {
        /// The path as configured.
        path: PathBuf,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A file longer than it may be.
    #[error("{} has more than {limit} bytes", path.display())]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// The most it may have, in bytes.
        limit: u64,
    },
    /// A file that is not PEM.
    #[error("{}, line {line}: not PEM", path.display())]
    NotPem {
        /// The path.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// A file with something else in it.
    #[error("{} holds a {found}: expected only {expected}", path.display())]
    WrongBlock {
        /// The path.
        path: PathBuf,
        /// The label that belongs there.
        expected: &'static str,
        /// The label found, or "file without any block".
        found: String,
    },
    /// A private key where everybody may read.
    #[error("{} holds a private key", path.display())]
    PrivateKey {
        /// The path.
        path: PathBuf,
    },
    /// A certificate that cannot be read.
    #[error("certificate in {}", path.display())]
    Certificate {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Refusal>,
    },
    /// A revocation list that cannot be read.
    #[error("revocation list in {} cannot be read", path.display())]
    Crl {
        /// The path.
        path: PathBuf,
    },
    /// An identities file that breaks its grammar.
    #[error("identities file {}", path.display())]
    Identities {
        /// The path as configured.
        path: PathBuf,
        /// What is wrong with it.
        source: IdentitiesError,
    },
    /// An identities file that is not UTF-8.
    #[error("identities file {} is not UTF-8", path.display())]
    NotText {
        /// The path as configured.
        path: PathBuf,
    },
}

impl LoadError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "E_TRUST_MISSING",
            Self::NotADirectory { .. } => "E_TRUST_NOT_DIRECTORY",
            Self::Unreadable { .. } => "E_TRUST_UNREADABLE",
            Self::NotOwner { .. } => "E_TRUST_NOT_OWNER",
            Self::WorldWritable { .. } => "E_TRUST_WORLD_WRITABLE",
            Self::GroupWritable { .. } => "E_TRUST_GROUP_WRITABLE",
            Self::DirectoryEmpty { .. } => "E_TRUST_DIR_EMPTY",
            Self::TooManyFiles { .. } => "E_TRUST_TOO_MANY",
            Self::TooLarge { .. } => "E_TRUST_TOO_LARGE",
            Self::NotPem { .. } => "E_TRUST_NOT_PEM",
            Self::WrongBlock { .. } => "E_TRUST_WRONG_BLOCK",
            Self::PrivateKey { .. } => "E_TRUST_PRIVATE_KEY",
            Self::Certificate { .. } => "E_TRUST_CERTIFICATE",
            Self::Crl { .. } => "E_TRUST_CRL",
            Self::Identities { source, .. } => source.code(),
            Self::NotText { .. } => "E_IDENTITIES_SYNTAX",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::WorldWritable { path, .. } | Self::GroupWritable { path, .. } => {
                format!("`chmod go-w {}`", shell_word(path))
            }
            Self::NotOwner { path, user, .. } => {
                format!(
                    "look at what it says, then `chown {user} {}`",
                    shell_word(path)
                )
            }
            Self::DirectoryEmpty { expected, .. } => format!(
                "put {expected} in PEM there, in files named *.pem, *.crt, *.cer, *.crl or as c_rehash names them"
            ),
            Self::NotPem { path, .. } => format!(
                "if it is DER: openssl x509 -inform DER -in {} -out new.pem",
                path.display()
            ),
            Self::PrivateKey { .. } => {
                "move the key to where only its owner can read it, and think of it as lost"
                    .to_owned()
            }
            Self::Identities { source, .. } => return source.hint(),
            _ => return None,
        })
    }
}
