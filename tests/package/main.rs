//! Packages from end to end: built, sealed, verified, damaged, forged.
//!
//! Everything is real: keys and certificates of a development PKI, files, signatures, timestamps.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "tests make their own files and small numbers, and panics are how a test fails"
)]

mod building;
mod exhaustive;
mod mutations;
mod sealing;
mod threats;
mod world;
