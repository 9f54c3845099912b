use serde::Serialize;

use super::installed::{Finding, Step};
use super::repair::Action;
use super::{Discard, HistoryEntry, Item, RepairReply, VerifiedItem, VerifyInstalledReply};
use crate::progress::{Holder, Progress, Silent};
use crate::upgrade::StepEvent;

/// Something that happened during a call, told as it happens; any front end can render it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event<'a> {
    /// Something would be taken out of the catalog.
    DiscardPlanned(&'a Discard),
    /// Something was taken out of the catalog.
    Discarded(&'a Discard),
    /// The next entry of the event log.
    Recorded(&'a HistoryEntry),
    /// The next item of a listing.
    Listed(&'a Item),
    /// One item of a verification is done.
    Verified(&'a VerifiedItem),
    /// The call stands still for others who use the catalog; told once for each wait.
    Waiting {
        /// For whom.
        #[serde(flatten)]
        holder: Holder,
        /// How much longer at most, in milliseconds.
        at_most_ms: u64,
    },
    /// Something that is installed is not as the image has it.
    InstalledFound(&'a Finding),
    /// A step of a repair of what is installed is going to be done.
    FixPlanned(&'a Step),
    /// A step of a repair of what is installed was done.
    FixDone(&'a Step),
    /// A step of a repair is going to be done.
    RepairPlanned(&'a Action),
    /// A step of a repair was done.
    RepairDone(&'a Action),
    /// A step of a repair was left out, because somebody changed what it was planned on.
    RepairSkipped(&'a Action),
    /// A step of an upgrade, a commit or a rollback stands there now.
    Step(&'a StepEvent),
    /// The call goes on, but not as it should.
    Warning {
        /// Stable code of what went wrong.
        code: &'a str,
        /// One sentence for a person.
        message: &'a str,
        /// What to do about it.
        hint: Option<&'a str>,
    },
}

/// Is told what happens during a call; called from several threads.
pub trait Observer: Progress {
    /// Something happened.
    fn event(&self, _event: &Event<'_>) {}

    /// Asked once between what was planned and doing it, if there is anything to do: whether to go on.
    fn agrees(&self, _plan: &RepairReply) -> bool {
        true
    }

    /// As [`Observer::agrees`], for a repair of what is installed.
    fn agrees_to_fix(&self, _plan: &VerifyInstalledReply) -> bool {
        true
    }
}

impl Observer for Silent {}
