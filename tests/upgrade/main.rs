//! Upgrades of a real system in a directory: real packages, real environments, real programs.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests make their own files, and panics are how a test fails"
)]

mod check;
mod commit;
mod environments;
mod full;
mod hbsd;
mod interrupted;
mod mounted;
mod own_image;
mod programs;
mod rollback;
mod world;
