use std::time::Duration;

use crate::progress::{Holder, Progress};
use crate::service::{Call, Event, Observer, RepairReply, VerifyInstalledReply};

/// Does `work` as this call, with its waits for others told as events.
pub(super) fn told<T>(call: &Call<'_>, work: impl FnOnce(&Call<'_>) -> T) -> T {
    let told = Told(call.observer);
    work(&Call {
        observer: &told,
        ..*call
    })
}

/// Makes events of what the catalog only knows as progress.
struct Told<'a>(&'a dyn Observer);

impl Progress for Told<'_> {
    fn begin(&self, name: &str, total: u64) {
        self.0.begin(name, total);
    }

    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }

    fn waiting(&self, holder: Holder, at_most: Duration) {
        self.0.event(&Event::Waiting {
            holder,
            at_most_ms: u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX),
        });
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

impl Observer for Told<'_> {
    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }

    fn agrees(&self, plan: &RepairReply) -> bool {
        self.0.agrees(plan)
    }

    fn agrees_to_fix(&self, plan: &VerifyInstalledReply) -> bool {
        self.0.agrees_to_fix(plan)
    }
}
