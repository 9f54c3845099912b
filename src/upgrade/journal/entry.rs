use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::upgrade::{Action, Plan, Step};

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, by the caller's clock.
    pub time: Timestamp,
    /// Who did it, as the caller says.
    pub actor: String,
    /// What happened, or is about to.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a line of a journal says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Entry {
    /// The first line: an upgrade begins.
    Start {
        /// Version of the form of this journal.
        schema: u32,
        /// Counts the upgrades of a system.
        number: u64,
        /// What will be done.
        plan: Box<Plan>,
    },
    /// A step is about to be done, or taken back by a rollback.
    Begin {
        /// What it is part of.
        action: Action,
        /// Which one.
        step: Step,
    },
    /// A step is done, or taken back.
    Done {
        /// What it is part of.
        action: Action,
        /// Which one.
        step: Step,
    },
    /// A step could not be done.
    Failed {
        /// What it is part of.
        action: Action,
        /// Which one.
        step: Step,
        /// Stable code of what went wrong.
        code: String,
        /// What went wrong, outermost first.
        message: String,
    },
    /// The work was stopped on request.
    Paused {
        /// What was under way.
        action: Action,
    },
    /// The work goes on: after a pause, a failure, or a process that was killed.
    Resumed {
        /// What goes on.
        action: Action,
    },
    /// The new system has started and found itself well.
    Good {
        /// What was looked at, and what came of it.
        checks: serde_json::Value,
    },
    /// The new system was found bad: it will not be started again by itself.
    Bad {
        /// Why.
        reason: String,
        /// What was looked at, and what came of it.
        checks: serde_json::Value,
    },
    /// A rollback begins.
    Rollback {
        /// Whether nobody asked for it.
        automatic: bool,
        /// Why.
        reason: String,
    },
    /// The last line: nothing is under way any more.
    End {
        /// How it ended.
        outcome: Outcome,
    },
}

/// How an upgrade ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The new system is permanent.
    Committed,
    /// The system is what it was before.
    RolledBack,
}

impl Outcome {
    /// The word used in journals, tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::RolledBack => "rolled-back",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
