//! Signed software packages for appliances and clusters: build, sign, timestamp, verify, keep, install.
//!
//! # Threat model
//!
//! A package may come from anywhere and every byte of it may be hostile: the container, the names in
//! it, the certificates beside it, its archive members. The catalog's disk may lose power or flip
//! bits at any moment. The machine's administrator, the trust directories and the clock are trusted;
//! everything else has to prove itself. So: sizes are bounded before they are used, nothing is decoded
//! before it is authenticated, what was verified is what is installed (one open file, never a path
//! twice), nothing is written outside its target, and whatever cannot be decided is refused with a
//! stable code and the reason.
//!
//! # The house
//!
//! Modules are listed lowest first; a module uses only those above its own line of the list, and
//! `tests/house` holds them to it.
//!
//! - [`digest`], [`release`], [`progress`]: words every other module speaks
//! - [`fsio`]: files, the only place that touches them
//! - [`trust`]: signatures, certificates, timestamps, identities; the only place that knows openssl
//! - [`payload`]: trees as tar streams in frames, and the way back
//! - [`package`]: the one way from an open file to a verified package
//! - [`catalog`]: where verified packages are kept; the only place that knows rusqlite
//! - [`system`]: a root with boot environments, and what the boot loader reads
//! - [`upgrade`]: new environments from images, step by step, and the way back
//! - [`service`]: everything the product does, behind one trait; what every front end calls
//! - [`cli`]: the command lines; the only place that prints and reads the clock

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_lossless,
        reason = "tests make their own files and small numbers"
    )
)]

pub mod catalog;
pub mod cli;
pub mod digest;
pub mod fsio;
pub mod isi_file;
pub mod limits;
pub mod manifest;
pub mod package;
pub mod payload;
pub mod progress;
pub mod release;
pub mod service;
pub mod system;
pub mod trust;
pub mod upgrade;
