use jiff::{SignedDuration, Timestamp};

use super::journal::{Entry, Journal, Journals, Outcome};
use super::watch::Meter;
use super::{
    Action, Node, Phase, Plan, Standing, Step, StepEvent, StepState, UpgradeError, Watch, told,
};
use crate::catalog::Context;
use crate::fsio::Stopwatch;

/// Who works, when it began, and who watches.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// When the work began, by the caller's clock.
    pub began: Timestamp,
    /// How long it goes on.
    pub stopwatch: Stopwatch,
    /// Who does it, for journal and event log.
    pub actor: &'a str,
    /// Who is told of the steps, and may stop the work.
    pub watch: &'a dyn Watch,
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("began", &self.began)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    /// Work that begins now.
    pub fn new(now: Timestamp, actor: &'a str, watch: &'a dyn Watch) -> Self {
        Self {
            began: now,
            stopwatch: Stopwatch::start(),
            actor,
            watch,
        }
    }

    /// The present: as long after the beginning as the work goes on, whatever is done to the clock.
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.stopwatch.elapsed()).unwrap_or_default();
        self.began.checked_add(passed).unwrap_or(self.began)
    }

    /// For what is done with the catalog.
    pub fn context(&self) -> Context<'_> {
        Context {
            now: self.now(),
            actor: self.actor,
            progress: self.watch,
        }
    }
}

/// Does what was planned, one step at a time, and writes down each before it begins and when it is done.
///
/// Whoever has an engine holds the lock of the system.
pub struct Engine<'a> {
    node: &'a mut dyn Node,
    journals: &'a Journals,
    journal: Journal,
    run: Run<'a>,
}

impl std::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

impl<'a> Engine<'a> {
    /// Begins an upgrade: from here on it can be gone on with or taken back.
    ///
    /// Where something is under way, that is refused.
    pub fn begin(
        node: &'a mut dyn Node,
        journals: &'a Journals,
        plan: Plan,
        run: Run<'a>,
    ) -> Result<Self, UpgradeError> {
        expect_nothing_running(journals)?;
        // The last one is put away: what the event log lacks of it is entered before.
        told::enter_missing(node, &journals.read()?.unwrap_or_default(), &run);
        let journal = journals.begin(plan, run.now(), run.actor)?;
        told::enter_last(node, journal.records(), &run);
        Ok(Self {
            node,
            journals,
            journal,
            run,
        })
    }

    /// Takes up what is under way; nothing where nothing is.
    ///
    /// What the event log lacks of the journal is entered: its writer was killed between the two, or the log
    /// could not be written.
    pub fn open(
        node: &'a mut dyn Node,
        journals: &'a Journals,
        run: Run<'a>,
    ) -> Result<Option<Self>, UpgradeError> {
        let Some(journal) = journals.open()? else {
            return Ok(None);
        };
        told::enter_missing(node, journal.records(), &run);
        let engine = Self {
            node,
            journals,
            journal,
            run,
        };
        let ended = engine
            .standing()
            .is_none_or(|found| found.phase() == Phase::Ended);
        Ok((!ended).then_some(engine))
    }

    /// Where it stands.
    pub fn standing(&self) -> Option<Standing> {
        Standing::of(self.journal.records())
    }

    /// Goes on with what is under way, from where it was left.
    pub fn resume(&mut self) -> Result<(), UpgradeError> {
        let Some(standing) = self.standing() else {
            return Ok(());
        };
        self.journals.ask_no_pause()?;
        let action = standing.action;
        self.enter(Entry::Resumed { action })?;
        self.run(action)
    }

    /// Does every step of an action that is left.
    ///
    /// A commit and a rollback end the upgrade when their last step is done.
    pub fn run(&mut self, action: Action) -> Result<(), UpgradeError> {
        loop {
            let Some(mut standing) = self.standing() else {
                return Ok(());
            };
            standing.action = action;
            let Some(step) = standing.next_step() else {
                return self.end(action);
            };
            self.expect_no_stop(action, step)?;
            self.step(action, step, &standing)?;
        }
    }

    /// Writes a record; it is on disk when this returns. What the event log tells of it is entered there, too.
    pub fn enter(&mut self, entry: Entry) -> Result<(), UpgradeError> {
        self.journal.append(self.run.now(), self.run.actor, entry)?;
        told::enter_last(self.node, self.journal.records(), &self.run);
        Ok(())
    }

    fn step(
        &mut self,
        action: Action,
        step: Step,
        standing: &Standing,
    ) -> Result<(), UpgradeError> {
        tracing::debug!("{action:?}: {step:?}");
        self.enter(Entry::Begin { action, step })?;
        let begun = StepEvent {
            action,
            step,
            name: step.label_in(action),
            state: StepState::Begun,
            percent: self.percent(),
        };
        self.run.watch.step(&begun);
        let meter = Meter::new(self.run.watch, begun);
        let context = Context {
            now: self.run.now(),
            actor: self.run.actor,
            progress: &meter,
        };
        let plan = &standing.plan;
        let worked = match action {
            Action::Upgrade | Action::Commit => self.node.perform(step, plan, &context),
            Action::Rollback => self.node.undo(step, plan, &context),
        };
        match worked {
            Ok(()) => {
                self.enter(Entry::Done { action, step })?;
                self.tell(begun, StepState::Done);
                Ok(())
            }
            Err(error) if error.is_cancelled() => Err(self.stop(action, step)),
            Err(error) => Err(self.fail(begun, error)),
        }
    }

    /// Notes that a step failed; the failure itself is what counts, noted or not.
    fn fail(&mut self, begun: StepEvent, error: UpgradeError) -> UpgradeError {
        let StepEvent { action, step, .. } = begun;
        let noted = self.enter(Entry::Failed {
            action,
            step,
            code: error.code().to_owned(),
            message: layers(&error).join(": "),
        });
        if let Err(error) = noted {
            let message = format!("the failure is not in the journal: {error}");
            self.run.watch.warning(error.code(), &message);
        }
        self.tell(begun, StepState::Failed);
        UpgradeError::Step {
            action,
            step,
            source: Box::new(error),
        }
    }

    /// Stops if somebody wants that.
    fn expect_no_stop(&mut self, action: Action, step: Step) -> Result<(), UpgradeError> {
        if self.run.watch.cancelled() || self.journals.is_pause_asked()? {
            return Err(self.stop(action, step));
        }
        Ok(())
    }

    fn stop(&mut self, action: Action, next: Step) -> UpgradeError {
        let stopped = self
            .enter(Entry::Paused { action })
            .and_then(|()| self.journals.ask_no_pause());
        match stopped {
            Err(error) => error,
            Ok(()) if self.run.watch.cancelled() => UpgradeError::Cancelled,
            Ok(()) => UpgradeError::Paused { next },
        }
    }

    fn end(&mut self, action: Action) -> Result<(), UpgradeError> {
        let outcome = match action {
            Action::Upgrade => return Ok(()),
            Action::Commit => Outcome::Committed,
            Action::Rollback => Outcome::RolledBack,
        };
        self.enter(Entry::End { outcome })
    }

    fn tell(&self, begun: StepEvent, state: StepState) {
        self.run.watch.step(&StepEvent {
            state,
            percent: self.percent(),
            ..begun
        });
    }

    fn percent(&self) -> u8 {
        self.standing().map_or(0, |standing| standing.percent())
    }
}

/// Refuses to begin anything where something is under way.
pub fn expect_nothing_running(journals: &Journals) -> Result<(), UpgradeError> {
    let records = journals.read()?.unwrap_or_default();
    let Some(standing) = Standing::of(&records) else {
        return Ok(());
    };
    if standing.phase() == Phase::Ended {
        return Ok(());
    }
    Err(UpgradeError::Running {
        action: standing.action,
        number: standing.number,
        state: standing.words(),
    })
}

/// What an error says, and what its causes say, outermost first.
pub(super) fn layers(error: &UpgradeError) -> Vec<String> {
    let mut layers = Vec::new();
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        layers.push(error.to_string());
        next = error.source();
    }
    layers.dedup();
    layers
}
