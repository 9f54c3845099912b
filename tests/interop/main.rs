//! Outside tools agree with what we write: openssl, zstd, GNU tar, bsdtar, sha256sum.
//!
//! A tool that is not there fails its test: `cargo xtask test` installs or names what is missing.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests make their own files, and panics are how a test fails"
)]

mod archives;
mod checksums;
mod signatures;
mod workshop;
