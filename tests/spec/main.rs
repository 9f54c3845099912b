//! The specification against the code: whoever changes one and not the other is told.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "reads the repository as it lies on disk, and panics are how a test fails"
)]

mod codes;
mod configuration;
mod hexdump;
mod markdown;
mod published;
mod tables;
mod trust_vectors;
#[path = "../vectors/mod.rs"]
mod vectors;
