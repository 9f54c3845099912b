//! Taking things out of the catalog for good: what is not wanted any more, and what is in nobody's list.

mod clean;
mod discard;
mod remove;
mod survey;
mod trash;

pub use self::clean::{CleanSets, Cleaned};
pub use self::discard::Discard;
