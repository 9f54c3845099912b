//! Manages the system: catalog and upgrades.
fn main() {}
