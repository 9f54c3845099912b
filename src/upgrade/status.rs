use std::fmt;

use serde::{Deserialize, Serialize};

use super::journal::Outcome;
use super::{Action, Phase, Standing};

/// What a system as a whole is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClusterState {
    /// Nothing is under way.
    #[serde(rename = "committed")]
    Committed,
    /// The new system runs well and is not permanent yet.
    #[serde(rename = "upgraded")]
    Upgraded,
    /// Some machines of several are upgraded; never on one.
    #[serde(rename = "partially upgraded")]
    PartiallyUpgraded,
    /// An upgrade is under way, or waits for the start of the new system.
    #[serde(rename = "upgrading")]
    Upgrading,
    /// A rollback is under way.
    #[serde(rename = "rolling back")]
    RollingBack,
    /// It is looked at whether a package could be installed.
    #[serde(rename = "assessing")]
    Assessing,
    /// Something failed, and somebody has to decide.
    #[serde(rename = "error")]
    Error,
}

impl ClusterState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Committed,
        Self::Upgraded,
        Self::PartiallyUpgraded,
        Self::Upgrading,
        Self::RollingBack,
        Self::Assessing,
        Self::Error,
    ];

    /// The word used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Upgraded => "upgraded",
            Self::PartiallyUpgraded => "partially upgraded",
            Self::Upgrading => "upgrading",
            Self::RollingBack => "rolling back",
            Self::Assessing => "assessing",
            Self::Error => "error",
        }
    }

    /// The state that follows from where the last upgrade stands.
    pub fn of(standing: Option<&Standing>) -> Self {
        let Some(standing) = standing else {
            return Self::Committed;
        };
        match standing.phase() {
            Phase::Ended => Self::Committed,
            _ if standing.failure.is_some() => Self::Error,
            Phase::RollingBack => Self::RollingBack,
            _ if standing.bad.is_some() => Self::Error,
            Phase::Upgrading | Phase::Waiting => Self::Upgrading,
            Phase::Upgraded | Phase::Committing => Self::Upgraded,
        }
    }
}

impl fmt::Display for ClusterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether the work of an upgrade goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessState {
    /// No upgrade is under way.
    #[serde(rename = "Not started")]
    NotStarted,
    /// One is.
    Running,
    /// It will stop before its next step.
    Pausing,
    /// It stopped on request.
    Paused,
}

impl ProcessState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::NotStarted, Self::Running, Self::Pausing, Self::Paused];

    /// The word used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotStarted => "Not started",
            Self::Running => "Running",
            Self::Pausing => "Pausing",
            Self::Paused => "Paused",
        }
    }

    /// The state that follows from where the last upgrade stands, and whether somebody asked for a pause.
    pub fn of(standing: Option<&Standing>, pause_asked: bool) -> Self {
        match standing {
            None => Self::NotStarted,
            Some(standing) if standing.outcome.is_some() => Self::NotStarted,
            Some(standing) if standing.paused => Self::Paused,
            Some(standing) if pause_asked && standing.next_step().is_some() => Self::Pausing,
            Some(_) => Self::Running,
        }
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What came of the last action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionResult {
    /// It did what it should.
    Pass,
    /// It failed.
    Fail,
}

impl ActionResult {
    /// The word used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }
}

impl Standing {
    /// What was done last, and what came of it; nothing while it is under way.
    pub fn last_action(&self) -> (Action, Option<ActionResult>) {
        let result = if self.failure.is_some() {
            Some(ActionResult::Fail)
        } else {
            match (self.outcome, self.phase()) {
                (Some(Outcome::Committed | Outcome::RolledBack), _) | (None, Phase::Upgraded) => {
                    Some(ActionResult::Pass)
                }
                (None, Phase::Waiting) if self.bad.is_some() => Some(ActionResult::Fail),
                _ => None,
            }
        };
        (self.action, result)
    }
}
