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

mod block;
#[path = "../trust/certificates.rs"]
#[allow(
    dead_code,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "made for tests/trust, which uses all of it"
)]
mod certificates;
mod container;
#[path = "../trust/forge.rs"]
#[allow(dead_code, reason = "made for tests/trust, which uses all of it")]
mod forge;
mod good;
mod keys;
mod manifest;
mod package;
mod payload;
mod raw_table;
mod trust;
mod vector;
#[path = "../vectors/mod.rs"]
mod vectors;
mod vendor;

use keys::Keys;

fn main() {
    let keys = Keys::open();
    let mut made = good::vectors(&keys);
    made.extend(container::vectors());
    made.extend(manifest::vectors(&keys));
    made.extend(package::vectors(&keys));
    made.extend(payload::vectors(&keys));
    made.extend(trust::vectors());
    vector::write(&made);
}
