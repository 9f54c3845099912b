//! Test vectors: what stands in the `.toml` beside a package, and what our reader makes of the package.
//!
//! Shared by `tests/bless`, which writes vectors, and `tests/spec`, which reads them back. The format of
//! the files is described in `format-spec/vectors/README.md`.

mod expectation;
mod reader;
pub(crate) mod trust;

use std::path::{Path, PathBuf};

pub(crate) use expectation::{Expectation, HashedBy, Outcome, Stage};
pub(crate) use reader::read;

/// The folder of the vectors.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("format-spec/vectors")
}

/// Compares the reader's answer with what is expected; the text says how they differ.
pub(crate) fn check(bytes: &[u8], expectation: &Expectation) -> Result<(), String> {
    let hashings: &[HashedBy] = match expectation.hashing {
        Some(HashedBy::Chunks) => &[HashedBy::Chunks],
        Some(HashedBy::Whole) => &[HashedBy::Whole],
        None => &[HashedBy::Chunks, HashedBy::Whole],
    };
    for hashing in hashings {
        let answer = read(bytes, expectation, *hashing);
        let expected = (expectation.stage, expectation.code.clone());
        let found = (answer.stage, answer.code);
        if found != expected {
            return Err(format!(
                "{hashing:?}: expected {expected:?}, found {found:?}"
            ));
        }
        if expectation.outcome == Outcome::Accepted {
            let found = (answer.package, answer.regions, answer.files);
            let expected = (
                expectation.package.clone(),
                expectation.regions.clone(),
                expectation.files.clone(),
            );
            if found != expected {
                return Err(format!(
                    "{hashing:?}: expected {expected:#?}, found {found:#?}"
                ));
            }
        }
    }
    Ok(())
}
