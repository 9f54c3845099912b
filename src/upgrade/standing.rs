use jiff::Timestamp;

use super::journal::{Entry, Outcome, Record, number};
use super::step::percent;
use super::{Action, Plan, Step};

/// Where an upgrade stands: what its journal comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Counts the upgrades of a system.
    pub number: u64,
    /// What was planned.
    pub plan: Plan,
    /// When it began.
    pub started: Timestamp,
    /// Who began it.
    pub actor: String,
    /// What is under way, or was last.
    pub action: Action,
    /// Steps of the upgrade that are done and not to be done again.
    pub done: Vec<Step>,
    /// Steps of the commit that are done.
    pub committed: Vec<Step>,
    /// Steps of the upgrade that the rollback has taken back.
    pub undone: Vec<Step>,
    /// The step that was begun and is neither done nor failed.
    pub begun: Option<Step>,
    /// Why the last step failed, if it did.
    pub failure: Option<Failure>,
    /// Whether it was stopped on request.
    pub paused: bool,
    /// Since when the new system is known to be well.
    pub good: Option<Timestamp>,
    /// Why the new system is held to be bad.
    pub bad: Option<String>,
    /// Why it is rolled back, and whether nobody asked for that.
    pub rollback: Option<RollbackCause>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When the journal was last written.
    pub changed: Timestamp,
    /// Steps of the upgrade that were ever begun: what may have to be taken back.
    touched: Vec<Step>,
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// What it is part of.
    pub action: Action,
    /// Which step.
    pub step: Step,
    /// Stable code.
    pub code: String,
    /// What went wrong, outermost first.
    pub message: String,
    /// When.
    pub time: Timestamp,
}

/// Why an upgrade is rolled back.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RollbackCause {
    /// Whether nobody asked for it.
    pub automatic: bool,
    /// Why.
    pub reason: String,
}

/// What can be done next with an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Steps of the upgrade are left.
    Upgrading,
    /// The new environment is active; it has to start and find itself well.
    Waiting,
    /// The new system is well, and not permanent yet.
    Upgraded,
    /// Steps of the commit are left.
    Committing,
    /// Steps of the rollback are left.
    RollingBack,
    /// Nothing is under way.
    Ended,
}

impl Standing {
    /// What these records come to; none if they do not begin with a start.
    pub fn of(records: &[Record]) -> Option<Self> {
        let first = records.first()?;
        let Entry::Start { plan, .. } = &first.entry else {
            return None;
        };
        let mut standing = Self {
            number: number(records)?,
            plan: (**plan).clone(),
            started: first.time,
            actor: first.actor.clone(),
            action: Action::Upgrade,
            done: Vec::new(),
            committed: Vec::new(),
            undone: Vec::new(),
            begun: None,
            failure: None,
            paused: false,
            good: None,
            bad: None,
            rollback: None,
            outcome: None,
            changed: first.time,
            touched: Vec::new(),
        };
        for record in records {
            standing.read(record);
        }
        Some(standing)
    }

    /// What can be done next.
    pub fn phase(&self) -> Phase {
        match self.action {
            _ if self.outcome.is_some() => Phase::Ended,
            Action::Rollback => Phase::RollingBack,
            Action::Commit => Phase::Committing,
            Action::Upgrade if self.next_step().is_some() => Phase::Upgrading,
            Action::Upgrade if self.good.is_some() => Phase::Upgraded,
            Action::Upgrade => Phase::Waiting,
        }
    }

    /// The step that comes next in what is under way; none if all are done.
    pub fn next_step(&self) -> Option<Step> {
        match self.action {
            Action::Upgrade => {
                let stuck = self.begun.or(self.failed(Action::Upgrade));
                let left = self
                    .plan
                    .steps
                    .iter()
                    .find(|step| !self.done.contains(step));
                stuck.map(Step::redone_from).or(left.copied())
            }
            Action::Commit => {
                let mut steps = Action::Commit.steps().iter();
                steps.find(|step| !self.committed.contains(step)).copied()
            }
            Action::Rollback => self.to_undo().find(|step| !self.undone.contains(step)),
        }
    }

    /// How far what is under way is, in percent.
    pub fn percent(&self) -> u8 {
        match self.action {
            Action::Upgrade => percent(self.action, &self.done),
            Action::Commit => percent(self.action, &self.committed),
            Action::Rollback => {
                let left = self.to_undo().filter(|step| !self.undone.contains(step));
                let left: Vec<_> = left.collect();
                let is_left = |step: &Step| left.contains(step);
                let steps = Action::Rollback.steps().iter().copied();
                let done: Vec<_> = steps.filter(|step| !is_left(step)).collect();
                percent(self.action, &done)
            }
        }
    }

    /// Whether the environment got its name, so that there is something to boot.
    pub fn is_finished(&self) -> bool {
        self.done.contains(&Step::Finish)
    }

    /// Where it stands, for a person.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(failure) = &self.failure {
            words.push(format!("{} failed ({})", failure.step, failure.code));
        } else if self.paused {
            words.push("paused".to_owned());
        }
        match (self.phase(), self.next_step()) {
            (Phase::Waiting, _) => words.push("waiting for the new system to start".to_owned()),
            (Phase::Upgraded, _) => words.push("waiting for a commit".to_owned()),
            (Phase::Ended, _) => words.push("nothing left to do".to_owned()),
            (_, Some(step)) => words.push(format!("next is {step}")),
            (_, None) => words.push("nothing left but its end".to_owned()),
        }
        words
    }

    /// The steps that a rollback has to take back, in the order it does so.
    fn to_undo(&self) -> impl Iterator<Item = Step> {
        let steps = Action::Rollback.steps().iter().copied();
        steps.filter(|step| self.touched.contains(step))
    }

    fn failed(&self, action: Action) -> Option<Step> {
        let failure = self.failure.as_ref()?;
        (failure.action == action).then_some(failure.step)
    }

    fn read(&mut self, record: &Record) {
        self.changed = record.time;
        match &record.entry {
            Entry::Start { .. } => {}
            Entry::Begin { action, step } => self.begin(*action, *step),
            Entry::Done { action, step } => {
                self.begun = None;
                match action {
                    Action::Upgrade => self.done.push(*step),
                    Action::Commit => self.committed.push(*step),
                    Action::Rollback => self.undone.push(*step),
                }
            }
            Entry::Failed {
                action,
                step,
                code,
                message,
            } => {
                self.begun = None;
                self.failure = Some(Failure {
                    action: *action,
                    step: *step,
                    code: code.clone(),
                    message: message.clone(),
                    time: record.time,
                });
            }
            Entry::Paused { .. } => self.paused = true,
            Entry::Resumed { .. } => self.paused = false,
            Entry::Good { .. } => {
                self.good = Some(record.time);
                self.bad = None;
            }
            Entry::Bad { reason, .. } => {
                self.good = None;
                self.bad = Some(reason.clone());
            }
            Entry::Rollback { automatic, reason } => {
                self.action = Action::Rollback;
                self.begun = None;
                self.paused = false;
                self.rollback = Some(RollbackCause {
                    automatic: *automatic,
                    reason: reason.clone(),
                });
            }
            Entry::End { outcome } => {
                self.outcome = Some(*outcome);
                self.paused = false;
            }
        }
    }

    fn begin(&mut self, action: Action, step: Step) {
        self.action = action;
        self.begun = Some(step);
        self.paused = false;
        self.failure = None;
        if action == Action::Upgrade {
            // What comes after a step that is done anew is done anew, too.
            let steps = &self.plan.steps;
            let place = |step: Step| steps.iter().position(|other| *other == step);
            let from = place(step);
            self.done.retain(|done| place(*done) < from);
            if !self.touched.contains(&step) {
                self.touched.push(step);
            }
        }
    }
}
