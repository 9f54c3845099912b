//! Real boots: small real systems start under user-mode-linux from the environment that was chosen.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    reason = "tests make their own files and stop at the first surprise"
)]

mod harness;
mod image;
mod initramfs;
mod machine;
mod medium;
mod old_kernel;
mod selection;
mod uml;
mod upgrade;
mod vendor;
