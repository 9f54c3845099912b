//! Builds, signs, timestamps and shows packages.
fn main() {}
