//! Trust seen from outside: what is accepted, and every way of refusing.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests make their own files and stop at the first surprise"
)]

mod happy;
