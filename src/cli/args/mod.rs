//! Groups of flags that several commands share, each with what it means.

mod change;
mod common;
mod installation;
mod listing;
mod overwrite;
mod signing;
mod target;
mod time;
mod timestamping;
mod trust;

pub(crate) use change::ChangeArgs;
pub use common::CommonArgs;
pub(super) use installation::{InstallationArgs, duration};
pub(super) use listing::{Format, ListArgs, OutputArgs};
pub(super) use overwrite::OverwriteArgs;
pub(super) use signing::SigningArgs;
pub(super) use target::{TargetArgs, TargetOrBootenvArgs};
pub(super) use time::{parse_time, source_date_epoch};
pub(super) use timestamping::TimestampingArgs;
pub(super) use trust::TrustArgs;
