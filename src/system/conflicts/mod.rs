//! What could not be merged, until somebody has decided.
//!
//! `conflicts/NAME/conflicts.json` lists it, and below `conflicts/NAME/merged` are the texts with markers.
//! Meanwhile the environment has what the machine had before, so it starts as it did.

mod list;
mod resolve;

use std::collections::BTreeMap;

pub use list::{Conflict, Conflicts};
pub use resolve::{Choice, resolve};

/// Texts with markers that are not written yet.
type Texts = BTreeMap<crate::payload::EntryPath, Vec<u8>>;
