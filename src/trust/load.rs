//! Reading the directories of a machine's trust.
//!
//! # Threats met here
//!
//! - An empty, missing or unreadable directory that looks like "nothing is trusted" or, worse, falls
//!   back to the system's web authorities: each is its own error, and nothing is read elsewhere.
//! - A directory or file that others own or can write: refused. Owner, mode and content are asked of one
//!   open file, so that another cannot be put in its place between.
//! - A private key that was copied beside its certificate: refused, so that somebody notices.

use std::path::{Path, PathBuf};

use crate::fsio::{self, Dir, EntryKind, FsError};

use super::certificate::Certificate;
use super::chain::Anchors;
use super::memo::Memo;
use super::revocation::Crl;
use super::{Identities, LoadError, ffi, limits, pem};

/// Every certificate of a directory, each once.
pub(super) fn anchors(path: &Path, intermediate: bool) -> Result<Anchors, LoadError> {
    let mut certificates: Vec<Certificate> = Vec::new();
    let kind = Kind {
        label: "CERTIFICATE",
        expected: "certificates",
        limit: limits::MAX_CERTIFICATE_FILE,
    };
    for (file, der) in blocks(path, &kind)? {
        let certificate =
            Certificate::from_der(&der).map_err(|refusal| LoadError::Certificate {
                path: file,
                source: Box::new(refusal),
            })?;
        if certificates
            .iter()
            .all(|known| known.der != certificate.der)
        {
            certificates.push(certificate);
        }
    }
    Ok(Anchors {
        certificates,
        intermediate,
        memo: Memo::default(),
    })
}

/// Every revocation list of a directory.
pub(super) fn crls(path: &Path) -> Result<Vec<Crl>, LoadError> {
    let kind = Kind {
        label: "X509 CRL",
        expected: "revocation lists",
        limit: limits::MAX_CRL_FILE,
    };
    blocks(path, &kind)?
        .into_iter()
        .map(|(path, der)| Crl::from_der(&der).ok_or(LoadError::Crl { path }))
        .collect()
}

/// Refuses a directory of trust that others own or can write: a revocation list that somebody took away
/// is missed by nobody. One that is not there is told of by what should be in it.
pub(super) fn expect_trusted(path: &Path) -> Result<(), LoadError> {
    match Dir::open(path).and_then(|directory| fsio::expect_trusted(&directory, path)) {
        Err(error) if !error.is_not_found() => Err(unreadable(path, error)),
        _ => Ok(()),
    }
}

/// The identities file.
pub(super) fn identities(path: &Path) -> Result<Identities, LoadError> {
    let bytes =
        read_trusted(path, limits::MAX_IDENTITIES_FILE).map_err(|error| unreadable(path, error))?;
    let text = String::from_utf8(bytes).map_err(|_| LoadError::NotText {
        path: path.to_owned(),
    })?;
    Identities::parse(&text).map_err(|source| LoadError::Identities {
        path: path.to_owned(),
        source,
    })
}

/// What a directory holds.
struct Kind {
    label: &'static str,
    expected: &'static str,
    limit: u64,
}

/// All PEM blocks of all files, with the file each came from.
fn blocks(path: &Path, kind: &Kind) -> Result<Vec<(PathBuf, Vec<u8>)>, LoadError> {
    ffi::init();
    let directory = Dir::open(path).map_err(|error| unreadable(path, error))?;
    fsio::expect_trusted(&directory, path).map_err(|error| unreadable(path, error))?;
    let entries = directory
        .entries()
        .map_err(|error| unreadable(path, error))?;
    if entries.len() > limits::MAX_TRUST_FILES {
        return Err(LoadError::TooManyFiles {
            path: path.to_owned(),
            found: entries.len(),
            limit: limits::MAX_TRUST_FILES,
        });
    }
    let mut found = Vec::new();
    for entry in entries {
        let is_read = entry.name.to_str().is_some_and(is_trust_file);
        if is_read && matches!(entry.kind, EntryKind::File | EntryKind::SymbolicLink) {
            let file = path.join(&entry.name);
            for der in read_file(&file, kind)? {
                found.push((file.clone(), der));
            }
        }
    }
    if found.is_empty() {
        return Err(LoadError::DirectoryEmpty {
            path: path.to_owned(),
            expected: kind.expected,
        });
    }
    Ok(found)
}

/// Whether a file of this name is read: an ending of certificates or lists, or a hashed name.
fn is_trust_file(name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    if stem.is_empty() {
        return false;
    }
    let number = ending.strip_prefix('r').unwrap_or(ending);
    let hashed = stem.len() == 8
        && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit());
    hashed || matches!(ending, "pem" | "crt" | "cer" | "crl")
}

/// Symbolic links are followed: the administrator made them, as `c_rehash` does.
fn read_file(path: &Path, kind: &Kind) -> Result<Vec<Vec<u8>>, LoadError> {
    let bytes = read_trusted(path, kind.limit).map_err(|error| file_unreadable(path, error))?;
    let blocks = pem::blocks(&bytes).map_err(|fault| LoadError::NotPem {
        path: path.to_owned(),
        line: fault.line,
    })?;
    if blocks
        .iter()
        .any(|block| block.label.ends_with("PRIVATE KEY"))
    {
        return Err(LoadError::PrivateKey {
            path: path.to_owned(),
        });
    }
    let wrong = |found: &str| LoadError::WrongBlock {
        path: path.to_owned(),
        expected: kind.label,
        found: found.chars().take(64).collect(),
    };
    if blocks.is_empty() {
        return Err(wrong("file without any PEM block"));
    }
    blocks
        .into_iter()
        .map(|block| {
            if block.label == kind.label {
                Ok(block.der)
            } else {
                Err(wrong(&block.label))
            }
        })
        .collect()
}

/// Reads a file that nobody but root and the caller may change.
fn read_trusted(path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    let file = fsio::open_regular(path)?;
    fsio::expect_trusted(&file, path)?;
    fsio::read_open(file, path, limit)
}

/// A path that was configured and cannot be used.
fn unreadable(path: &Path, error: FsError) -> LoadError {
    let path = path.to_owned();
    match error {
        error if error.is_not_found() => LoadError::Missing { path },
        FsError::System { ref source, .. }
            if source.kind() == std::io::ErrorKind::NotADirectory =>
        {
            LoadError::NotADirectory { path }
        }
        error => file_unreadable(&path, error),
    }
}

/// A file that the directory lists: one that is not there is a broken link, not a missing setting.
fn file_unreadable(path: &Path, error: FsError) -> LoadError {
    let path = path.to_owned();
    match error {
        FsError::TooLarge { limit, .. } => LoadError::TooLarge { path, limit },
        FsError::ForeignOwner { owner, user, .. } => LoadError::NotOwner { path, owner, user },
        FsError::WritableByOthers { mode, .. } if mode & 0o002 != 0 => {
            LoadError::WorldWritable { path, mode }
        }
        FsError::WritableByOthers { mode, .. } => LoadError::GroupWritable { path, mode },
        source => LoadError::Unreadable { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::is_trust_file;

    #[test]
    fn names_say_what_is_read() {
        for name in [
            "a.pem",
            "a.crt",
            "a.cer",
            "a.crl",
            "0a1b2c3d.0",
            "0A1B2C3D.12",
            "0a1b2c3d.r0",
        ] {
            assert!(is_trust_file(name), "{name}");
        }
        for name in [
            "README.md",
            ".pem",
            "a.key",
            "pem",
            "0a1b2c3.0",
            "0a1b2c3d.r",
            "0a1b2c3d.x1",
            "a.pem~",
            ".gitkeep",
        ] {
            assert!(!is_trust_file(name), "{name}");
        }
    }
}
