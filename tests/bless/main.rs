//! Writes the test vectors of the format: `cargo xtask bless`.
//!
//! Only vectors that are not there yet are written. One that was published never changes: other
//! people's readers are tested with it.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a tool of the developers: it writes into the repository, says so, and stops where it must"
)]

mod container;
mod good;
mod keys;
mod manifest;
mod vector;
#[path = "../vectors/mod.rs"]
mod vectors;

use keys::Keys;

fn main() {
    let keys = Keys::open();
    let mut made = good::vectors(&keys);
    made.extend(container::vectors(&keys));
    made.extend(manifest::vectors(&keys));
    vector::write(&made);
}
