use std::path::PathBuf;

use serde::Serialize;

use crate::catalog::repair::Problem;

/// A repair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepairRequest {
    /// Whether only to look and plan.
    pub dry_run: bool,
    /// Where to look for artifacts that are needed and gone: packages, or directories of such.
    pub from: Vec<PathBuf>,
}

/// What a repair found and did; the steps are told as events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepairReply {
    /// Version of this structure.
    pub schema: u32,
    /// What stays wrong; missing committed images first.
    pub problems: Vec<Problem>,
    /// How many files were looked at.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many packages were removed and are still there: `clean` takes them.
    pub left_to_clean: u64,
    /// How many steps were planned.
    pub planned: u64,
    /// How many steps were done.
    pub done: u64,
    /// How many steps were left out, because somebody changed what they were planned on.
    pub skipped: u64,
    /// How many steps left something in quarantine, or would.
    pub set_aside: u64,
}

impl RepairReply {
    /// Whether everything is as it should be now, or would be.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty() && self.skipped == 0 && self.set_aside == 0
    }
}
