//! The configuration: flags over environment over one file over what is usual.
//!
//! `format-spec/configuration.md` describes the file. It is data: nothing in it is ever executed, and no
//! variable in it is replaced.
//!
//! # Threats met here
//!
//! - Somebody else's file says where trust and catalog are: the file has to belong to the caller or to
//!   root, and nobody else may write to it.
//! - A misspelt key passes for its absence: a key that is not known is refused, with its place.
//! - A file that is too long, no text or deeply nested: bounded before it is read.

mod duration;
mod error;
mod file;
mod key;
mod policy;
mod settings;

pub use self::duration::{DurationError, parse_duration, show_duration};
pub use self::error::{ConfigError, ConfigFault};
pub use self::file::{ConfigFile, MAX_CONFIG_FILE};
pub use self::key::{Key, ValueKind};
pub use self::policy::UpgradePolicy;
pub use self::settings::{Given, Origin, Setting, Settings};
