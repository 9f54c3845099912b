use std::fmt;

use serde::{Deserialize, Serialize};

/// What is under way: each is a row of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A new boot environment is made and activated.
    Upgrade,
    /// What is running becomes permanent.
    Commit,
    /// The system goes back to what it ran before.
    Rollback,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Upgrade, Self::Commit, Self::Rollback];

    /// The word used in journals, tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
        }
    }

    /// Its steps in their order; a rollback takes those of an upgrade back, last first.
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::Upgrade => &Step::UPGRADE,
            Self::Commit => &Step::COMMIT,
            Self::Rollback => &Step::ROLLBACK,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One step of an action; it is journaled before it begins and when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The catalog notes that the image is needed.
    Hold,
    /// An empty root of the new environment is made, under a hidden name.
    Create,
    /// The image is unpacked into it.
    Unpack,
    /// The image's own programs run in it, before anything of the old system is there.
    PreInstall,
    /// Configuration and what is on the skip list come over; obsolete files go.
    Carry,
    /// Kernels are put where the boot loader finds them.
    Kernels,
    /// The image's own programs run in it, when all is there.
    PostInstall,
    /// The environment gets its record and its name.
    Finish,
    /// The boot loader is told to start it.
    Activate,
    /// The catalog notes that the committed image is needed.
    Pin,
    /// The target's state says what is committed, and the floor rises.
    Settle,
    /// The catalog notes what is not needed any more.
    Release,
    /// Environments that are not needed any more go.
    Clean,
}

impl Step {
    /// The steps of an upgrade.
    pub const UPGRADE: [Self; 9] = [
        Self::Hold,
        Self::Create,
        Self::Unpack,
        Self::PreInstall,
        Self::Carry,
        Self::Kernels,
        Self::PostInstall,
        Self::Finish,
        Self::Activate,
    ];

    /// The steps of a commit.
    pub const COMMIT: [Self; 4] = [Self::Pin, Self::Settle, Self::Release, Self::Clean];

    /// The steps of an upgrade that a rollback takes back, in the order it does so.
    pub const ROLLBACK: [Self; 3] = [Self::Activate, Self::Create, Self::Hold];

    /// The word used in journals, tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Create => "create",
            Self::Unpack => "unpack",
            Self::PreInstall => "pre-install",
            Self::Carry => "carry",
            Self::Kernels => "kernels",
            Self::PostInstall => "post-install",
            Self::Finish => "finish",
            Self::Activate => "activate",
            Self::Pin => "pin",
            Self::Settle => "settle",
            Self::Release => "release",
            Self::Clean => "clean",
        }
    }

    /// What it does, for a person.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hold => "keep the image from being removed",
            Self::Create => "create the boot environment",
            Self::Unpack => "unpack the image",
            Self::PreInstall => "run the hooks before installation",
            Self::Carry => "carry the configuration over",
            Self::Kernels => "install the kernels",
            Self::PostInstall => "run the hooks after installation",
            Self::Finish => "finish the boot environment",
            Self::Activate => "activate the boot environment",
            Self::Pin => "keep the committed image",
            Self::Settle => "make the system permanent",
            Self::Release => "let go of what is not needed any more",
            Self::Clean => "remove what is not needed any more",
        }
    }

    /// What an action does with it, for a person: a rollback takes it back.
    pub const fn label_in(self, action: Action) -> &'static str {
        match (action, self) {
            (Action::Rollback, Self::Activate) => "let the boot environment before boot again",
            (Action::Rollback, Self::Create) => "remove what was begun and not finished",
            (Action::Rollback, Self::Hold) => "let the image be removed",
            (_, step) => step.label(),
        }
    }

    /// Where to go on if this step was begun and nobody knows how far it came.
    ///
    /// What changes the new root is not taken up in the middle: the root is made anew, so that an upgrade
    /// that was interrupted ends with the same bytes as one that was not.
    #[must_use]
    pub const fn redone_from(self) -> Self {
        match self {
            Self::Unpack | Self::PreInstall | Self::Carry | Self::PostInstall => Self::Create,
            other => other,
        }
    }

    /// Its share of the whole action, in percent; those of an action make 100.
    pub const fn weight(self) -> u8 {
        match self {
            Self::Hold | Self::Create => 2,
            Self::Unpack => 70,
            Self::PreInstall | Self::PostInstall | Self::Kernels => 4,
            Self::Carry => 8,
            Self::Finish | Self::Activate => 3,
            Self::Pin | Self::Settle | Self::Release => 20,
            Self::Clean => 40,
        }
    }

    /// So much of that share, in percent of the whole action, is `part` of `whole` of what the step does.
    pub(crate) fn share(self, part: u64, whole: u64) -> u8 {
        let share = u64::from(self.weight())
            .saturating_mul(part.min(whole))
            .checked_div(whole);
        let share = share.and_then(|share| u8::try_from(share).ok());
        share.unwrap_or(0)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far an action is when these steps of it are done, in percent.
pub(crate) fn percent(action: Action, done: &[Step]) -> u8 {
    if action == Action::Rollback {
        return share(done.len(), action.steps().len());
    }
    let steps = action.steps().iter().filter(|step| done.contains(step));
    steps.fold(0, |sum, step| u8::saturating_add(sum, step.weight()))
}

fn share(part: usize, whole: usize) -> u8 {
    let percent = part.saturating_mul(100).checked_div(whole);
    percent
        .and_then(|percent| u8::try_from(percent).ok())
        .unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_an_action_make_a_hundred_percent() {
        for action in Action::ALL {
            assert_eq!(percent(action, &[]), 0, "{action}");
            assert_eq!(percent(action, action.steps()), 100, "{action}");
        }
    }

    #[test]
    fn a_step_is_written_as_it_is_named() {
        for step in Action::ALL.iter().flat_map(|action| action.steps()) {
            let written = serde_json::to_value(step).unwrap();
            assert_eq!(written, step.name());
        }
    }

    #[test]
    fn what_is_redone_begins_no_later_than_the_step_itself() {
        let place = |step| Step::UPGRADE.iter().position(|other| *other == step);
        for step in Step::UPGRADE {
            assert!(place(step.redone_from()) <= place(step), "{step}");
            assert_eq!(step.redone_from().redone_from(), step.redone_from());
        }
    }
}
