//! What is installed, compared with the signed file table, and repaired from the artifact.
//!
//! Comparing changes nothing and tells everything it finds as values. A repair is planned from what was
//! found and from nothing else, can be shown, and is then applied one file at a time.
//!
//! # Threats met here
//!
//! - Files were changed, removed or replaced behind our back: contents, types, modes, owners, link texts,
//!   devices and extended attributes are compared with what was signed.
//! - A name was replaced by a link that leads elsewhere: nothing is looked up through a symbolic link, and
//!   nothing on another file system that is mounted somewhere below.
//! - The power goes, or the process is killed: each file is made aside, synced and renamed over the old one,
//!   so that every name has its old contents or the signed ones. What is left aside is found and removed by
//!   the next repair.
//! - A repair takes away what is not the image's: what belongs to the machine is told apart and left alone,
//!   and files that are extra go only when that was asked for the whole of the image (swupd's issue 981 was
//!   a repair of one path that removed the system).

mod apply;
mod attributes;
mod compare;
mod entry;
mod error;
mod expected;
mod extra;
mod finding;
mod place;
mod plan;
mod scope;
#[cfg(test)]
mod tests;

pub use apply::apply;
pub use compare::{Comparison, Depth, compare};
pub use error::InstalledError;
pub use expected::{Expected, LOCAL_DIRECTORIES, Local, Restored};
pub use finding::{Aspect, Class, Difference, Finding, Report};
pub use plan::{Action, FixOptions, FixPlan, Left, LeftReason, Step, plan};
pub use scope::{Extra, Scope};

/// Where a repair makes files before they get their names: below the root that is repaired.
const WORK: &str = ".isi-fix";
