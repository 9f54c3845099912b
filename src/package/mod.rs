//! Packages: from an open file that claims to be one to bytes that somebody answers for.
//!
//! # Threats met here
//!
//! - The file changes between check and use: a package is one open file, never a path; whoever keeps
//!   it copies first and verifies the copy ([`receive`]), and every later reader checks what it reads
//!   against the signed digests once more.
//! - A second way in without the check: [`Package<Unverified>::verify`] is the only place that makes a
//!   [`Package<Verified>`], and only that type gives out regions.
//! - Regions of another package: the manifest binds each region's kind, name, size and digest, and the
//!   signature binds the manifest.
//! - A manifest that reads as data before anybody vouches for it: it is decoded after its signature was
//!   verified; [`Package::inspect`] says in its name and its documentation that it is not.

mod arrival;
pub mod builder;
mod error;
mod hashing;
mod measure;
mod open;
mod receive;
mod seal;
mod tree;
mod verify;

pub use error::{OpenError, VerifyError};
pub use open::{Authentic, Package, PayloadBytes, Unverified, Verified};
pub use receive::{receive, receive_stream};
pub use seal::{Seal, SealChange, SealPackageError, replace_seal};
pub use tree::{Tree, TreeError};
pub use verify::{Hashing, VerifyRequest};
