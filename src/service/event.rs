use serde::Serialize;

use super::{Item, VerifiedItem};
use crate::progress::{Holder, Progress, Silent};

/// Something that happened during a call, told as it happens; any front end can render it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event<'a> {
    /// The next item of a listing.
    Listed(&'a Item),
    /// One item of a longer verification is done.
    Verified(&'a VerifiedItem),
    /// The call stands still for others who use the catalog; told once for each wait.
    Waiting {
        /// For whom.
        #[serde(flatten)]
        holder: Holder,
        /// How much longer at most, in milliseconds.
        at_most_ms: u64,
    },
}

/// Is told what happens during a call; called from several threads.
pub trait Observer: Progress {
    /// Something happened.
    fn event(&self, _event: &Event<'_>) {}
}

impl Observer for Silent {}
