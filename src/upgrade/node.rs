use std::collections::BTreeSet;

use super::{Inventory, Plan, Step, UpgradeError};
use crate::catalog::Context;
use crate::digest::PackageId;

/// A machine that is upgraded, as the engine sees it.
///
/// The engine decides the order and keeps the journal; a node does one step at a time. Whatever a step left
/// when it was interrupted, doing it again ends as if it had been done once; and taking back what was never
/// done does nothing.
pub trait Node {
    /// What a plan needs to know of it.
    fn inventory(&mut self, context: &Context<'_>) -> Result<Inventory, UpgradeError>;

    /// Does a step.
    fn perform(
        &mut self,
        step: Step,
        plan: &Plan,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError>;

    /// Takes a step of an upgrade back.
    fn undo(&mut self, step: Step, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError>;

    /// The lines of the journal of an upgrade that the event log has something about.
    fn logged(
        &mut self,
        image: &PackageId,
        upgrade: u64,
        context: &Context<'_>,
    ) -> Result<BTreeSet<u64>, UpgradeError>;

    /// Enters into the event log what happened.
    fn log(
        &mut self,
        kind: &'static str,
        image: &PackageId,
        details: serde_json::Value,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError>;
}
