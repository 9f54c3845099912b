//! The catalog and the service from outside, with real packages.

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

mod concurrent;
mod crash;
mod export;
mod housekeeping;
mod import;
mod judge;
mod place;
mod reflink;
mod refused;
mod repair;
mod scale;
mod service;
mod threats;
mod used;
mod verify;
mod world;
