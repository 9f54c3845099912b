//! The command lines as processes: exit code, standard output and error stream, to the letter.
//!
//! One file for each command. Times, digests and the directory of the test are replaced in what is
//! compared, see `support`.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests make their own files and read the clock, and what is skipped is said"
)]

mod attach;
mod bad_input;
mod boot_loader;
mod bootenv;
mod by_hand;
mod catalog;
mod config;
mod create;
mod create_parts;
mod export;
mod extract;
mod hbsd;
mod help;
mod housekeeping;
mod import;
mod interrupt;
mod lock;
mod log;
mod machine;
mod owners;
mod permanent;
mod progress;
mod refusals;
mod repair;
mod resolve;
mod sign;
mod stopped;
mod streams;
mod support;
mod synced;
mod terminal;
mod trust;
mod upgrade;
mod usage;
mod verify;
mod verify_installed;
mod view;
