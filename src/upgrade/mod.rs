//! Upgrades: what would be done, done one step at a time, and taken up or taken back after anything.
//!
//! Normative text: `format-spec/upgrade.md`. A plan is a pure function of what is installed, what the package
//! says and what the operator wants; the [`Engine`] does it on a [`Node`] and writes down every step.
//!
//! # Threats met here
//!
//! - The process is killed, or the power goes: every step is on disk before it begins and when it is done,
//!   and until the last one nothing that boots was changed.
//! - A step is taken up that was done half: what changes the new root begins with an empty one.
//! - A package that is not for this system, or older than what was made permanent: the plan refuses it before
//!   anything is written.
//! - Bytes that were not signed: they reach neither a decoder nor the new root, see [`crate::payload`].
//! - Two at once: the lock of the system, and a journal that says what is under way.

mod automatic;
mod check;
mod commit;
mod engine;
mod error;
pub mod journal;
mod machine;
mod node;
mod opened;
mod own_image;
pub mod plan;
mod rollback;
mod standing;
mod status;
mod step;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod told;
mod watch;

pub use self::automatic::{RolledBack, has_rolled_back, notice_rollback};
pub use self::check::{CheckReport, Settled, check};
pub use self::commit::{CommitPreview, Committed, Permanent, commit, preview_commit};
pub use self::engine::{Engine, Run, expect_nothing_running};
pub use self::error::UpgradeError;
pub use self::journal::{Journals, Outcome};
pub use self::machine::{Machine, Sources};
pub use self::node::Node;
pub use self::opened::Opened;
pub use self::own_image::OwnImageError;
pub use self::plan::{
    Advice, Carrying, Finding, Installed, Inventory, Mode, PackageFacts, Plan, Refusal, Rules,
    advice, assess, plan,
};
pub use self::rollback::{RollbackPreview, preview_rollback, rollback};
pub use self::standing::{Failure, Phase, RollbackCause, Standing};
pub use self::status::{ActionResult, ClusterState, ProcessState};
pub use self::step::{Action, Step};
pub use self::watch::{StepEvent, StepState, Watch};
