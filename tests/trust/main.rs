//! Trust seen from outside: what is accepted, and every way of refusing.
//!
//! Tests named `x01_...` to `x36_...` are the rows of the threat table in `format-spec/identities.md`.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "tests make their own files and stop at the first surprise"
)]

mod audit;
mod certificates;
mod chains;
mod detached;
mod fingerprint;
mod forge;
mod happy;
mod names;
mod pki;
mod revocation;
mod signatures;
mod signing;
mod stores;
mod timestamps;
