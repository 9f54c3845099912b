//! Lists of paths in text: what an installation leaves alone, and what it removes.
//!
//! Normative text: `format-spec/lists.md`.
//!
//! # Threats met here
//!
//! - A list comes with a package, and what it names is deleted or kept: lines that could mean two
//!   things are refused, and every path obeys [`super::EntryPath`].
//! - A pattern that takes for ever: matching walks a path once for each pattern, whatever the pattern.
//! - A list without end: bytes and lines are bounded.

mod error;
mod line;
mod obsolete;
mod pattern;
mod skip;

pub use error::{ListError, ListRule};
pub use obsolete::ObsoleteList;
pub use pattern::PathPattern;
pub use skip::SkipList;
