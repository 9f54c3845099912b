//! Installed trees are damaged in every way there is, found out, and repaired.

#![allow(
    clippy::print_stderr,
    reason = "a test that could not check something says so"
)]

mod damage;
mod extra;
mod local;
mod mounted;
mod world;
