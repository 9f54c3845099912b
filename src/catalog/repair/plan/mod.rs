//! What has to be done: a pure function of what was found and what is on record.
//!
//! The order makes every moment safe to be interrupted at: what is set aside is set aside whole, what
//! comes back comes back into an empty place, and whatever was not reached is found again by the next
//! survey. No action deletes the bytes of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::action::{Action, COMMITTED_IMAGE, Cause, Plan, Problem};
use super::records::{Records, Row};
use super::survey::{Finding, Found, Judged, Survey, claimed};
use crate::catalog::State;
use crate::catalog::layout::{EVENTS, PACKAGE, artifact_path};
use crate::catalog::staging::ARTIFACT_MODE;
use crate::digest::{PackageId, Sha256Digest};

/// Plans the repair; `damage` says why the database has to be made anew, if it has to.
pub(super) fn plan(survey: &Survey, records: &Records, damage: Option<Cause>) -> Plan {
    let mut planner = Planner {
        survey,
        records,
        next_entry: survey.next_entry,
        plan: Plan {
            files: u64::try_from(survey.files.len()).unwrap_or(u64::MAX),
            bytes: survey.bytes,
            ..Plan::default()
        },
    };
    planner
        .plan
        .actions
        .extend(damage.map(|cause| Action::Rebuild { cause }));
    let chosen = planner.choose();
    planner.place(&chosen);
    planner.record(&chosen);
    planner.plan
}

struct Planner<'a> {
    survey: &'a Survey,
    records: &'a Records,
    next_entry: u64,
    plan: Plan,
}

/// The files that the catalog should hold, and why the others should not stay where they are.
struct Chosen<'a> {
    /// For each artifact the file it is in.
    kept: BTreeMap<PackageId, (&'a Found, &'a Judged)>,
    /// What has to leave the directory of the artifacts.
    rejected: Vec<(&'a Found, Cause)>,
    /// What stays although it is no artifact: only reading it failed, or `clean` may remove it.
    left: Vec<&'a Found>,
}

impl<'a> Planner<'a> {
    /// Decides about each file by its content; its place only breaks ties.
    fn choose(&self) -> Chosen<'a> {
        let mut chosen = Chosen {
            kept: BTreeMap::new(),
            rejected: Vec::new(),
            left: Vec::new(),
        };
        let mut software = self.recorded_software();
        let mut candidates: Vec<(&Found, &Judged)> = Vec::new();
        for found in &self.survey.files {
            match &found.finding {
                Finding::Package(judged) => candidates.push((found, judged)),
                Finding::Rejected(cause) => chosen.reject(found, cause.clone()),
                Finding::Unreadable(_) => chosen.left.push(found),
            }
        }
        // Among the artifacts before quarantine, at home before elsewhere, then by name.
        candidates.sort_by_key(|(found, judged)| {
            let home = found.path == artifact_path(&judged.id);
            (found.is_in_quarantine(), judged.id, !home, &found.path)
        });
        for (found, judged) in candidates {
            let at_home = found.path == artifact_path(&judged.id);
            if self.records.is_removed(&judged.id) && at_home {
                chosen.left.push(found);
            } else if let Some(cause) = self.objection(judged, &chosen, &mut software) {
                chosen.reject(found, cause);
            } else {
                chosen.kept.insert(judged.id, (found, judged));
            }
        }
        chosen.set_blocked_aside();
        chosen
    }

    /// Why a whole package should not be an artifact of the catalog.
    fn objection(
        &self,
        judged: &Judged,
        chosen: &Chosen<'a>,
        software: &mut BTreeMap<Sha256Digest, (Sha256Digest, PackageId)>,
    ) -> Option<Cause> {
        if self.records.is_removed(&judged.id) {
            Some(Cause::removed())
        } else if !judged.state.is_sound() && !self.records.is_known(&judged.id) {
            Some(judged.cause.clone().unwrap_or_else(Cause::foreign))
        } else if chosen.kept.contains_key(&judged.id) {
            Some(Cause::duplicate(&judged.id))
        } else {
            let other = self.conflict(software, judged)?;
            Some(Cause::conflict(&other))
        }
    }

    /// The names and versions that are taken, each with its manifest and one artifact.
    fn recorded_software(&self) -> BTreeMap<Sha256Digest, (Sha256Digest, PackageId)> {
        // A row that is about to go does not keep its version from others.
        let unreadable = self
            .survey
            .files
            .iter()
            .filter(|found| found.is_unreadable());
        let unreadable: BTreeSet<&Path> = unreadable.map(|found| found.path.as_path()).collect();
        let stays = |id: &PackageId| {
            self.records.is_referenced(id) || in_the_way(&unreadable, id).is_some()
        };
        let rows = self.records.rows.iter().filter(|(id, _)| stays(id));
        let mut software: BTreeMap<_, _> = rows
            .map(|(id, row)| (row.software, (row.manifest, *id)))
            .collect();
        for judged in self.survey.files.iter().filter_map(Found::judged) {
            if self.records.is_known(&judged.id) {
                let entry = software.entry(judged.software);
                entry.or_insert((judged.manifest, judged.id));
            }
        }
        software
    }

    /// The artifact that has the name and version of a package which was never imported.
    fn conflict(
        &self,
        software: &mut BTreeMap<Sha256Digest, (Sha256Digest, PackageId)>,
        judged: &Judged,
    ) -> Option<PackageId> {
        if self.records.is_known(&judged.id) {
            return None;
        }
        let entry = software.entry(judged.software);
        let (manifest, other) = entry.or_insert((judged.manifest, judged.id));
        (*manifest != judged.manifest).then_some(*other)
    }

    /// Brings every file to where it belongs.
    fn place(&mut self, chosen: &Chosen<'a>) {
        let files = self.survey.files.iter().map(|found| found.path.as_path());
        let files: BTreeSet<&Path> = files.collect();
        let directories = self.survey.directories.iter().map(PathBuf::as_path);
        let directories: BTreeSet<&Path> = directories.collect();
        let (mut moves, mut aside, mut back) = (Vec::new(), Vec::new(), Vec::new());
        for (id, (found, _)) in &chosen.kept {
            let home = artifact_path(id);
            if found.path == home {
                self.protect(found, *id);
                continue;
            }
            let identity = found.identity;
            if let Some(entry) = &found.entry {
                back.push(Action::Restore {
                    id: *id,
                    entry: entry.clone(),
                    identity,
                });
            } else if is_free(&home, &files, &directories) {
                let from = found.path.clone();
                moves.push(Action::Move {
                    id: *id,
                    from,
                    identity,
                });
            } else {
                // Something else is in its place, perhaps itself: it waits in quarantine.
                let entry = self.new_entry();
                back.push(Action::Restore {
                    id: *id,
                    entry: entry.clone(),
                    identity,
                });
                aside.push(quarantine(found, entry, Cause::misplaced(id), true));
            }
        }
        for (found, cause) in &chosen.rejected {
            let entry = self.new_entry();
            aside.push(quarantine(found, entry, cause.clone(), false));
        }
        if let Some((identity, cause)) = &self.survey.mirror {
            aside.push(Action::Quarantine {
                from: EVENTS.into(),
                entry: self.new_entry(),
                id: None,
                cause: cause.clone(),
                returns: false,
                identity: *identity,
            });
        }
        let actions = &mut self.plan.actions;
        actions.append(&mut moves);
        actions.append(&mut aside);
        actions.extend(emptied(&self.survey.directories, chosen));
        actions.append(&mut back);
        let empty = self.survey.empty_entries.iter().cloned();
        actions.extend(empty.map(|entry| Action::DropEntry { entry }));
    }

    /// Lets nobody write to an artifact in its place.
    fn protect(&mut self, found: &Found, id: PackageId) {
        if found.mode != ARTIFACT_MODE {
            let (mode, identity) = (found.mode, found.identity);
            let action = Action::Mode { id, mode, identity };
            self.plan.actions.push(action);
        }
    }

    /// Makes the records agree with the files.
    fn record(&mut self, chosen: &Chosen<'a>) {
        let mut entered = Vec::new();
        for (id, (found, judged)) in &chosen.kept {
            let cause = judged.cause.clone();
            match self.records.rows.get(id) {
                None => entered.push(Action::Enter {
                    id: *id,
                    state: judged.state,
                    cause,
                    recorded: self.records.is_known(id),
                    identity: found.identity,
                }),
                Some(row) => {
                    if row.facts != judged.facts {
                        let (id, identity) = (*id, found.identity);
                        self.plan.actions.push(Action::Correct { id, identity });
                    }
                    self.correct(id, row, judged.state, cause);
                }
            }
        }
        entered.sort_by_key(|action| self.records.age(action.id()));
        self.plan.actions.append(&mut entered);
        let mut unreadable = BTreeMap::new();
        for found in &chosen.left {
            if let Finding::Unreadable(cause) = &found.finding {
                unreadable.insert(found.path.as_path(), (cause, found.shut().is_some()));
                let (path, mut cause) = (found.path.clone(), cause.clone());
                if let Some(id) = found.shut() {
                    self.protect(found, id);
                    cause.hint = Some("repair once more: then it can be read".to_owned());
                }
                self.plan.problems.push(Problem::Unreadable { path, cause });
            }
        }
        let names: BTreeSet<&Path> = unreadable.keys().copied().collect();
        for (id, row) in &self.records.rows {
            if chosen.kept.contains_key(id) {
                continue;
            }
            let obstacle = in_the_way(&names, id);
            if let Some((cause, shut)) = obstacle.and_then(|path| unreadable.get(path)) {
                // What could be read as soon as its mode is right says nothing yet.
                if !shut {
                    let cause = Some((*cause).clone());
                    self.correct(id, row, State::Corrupt, cause);
                }
            } else if self.records.is_referenced(id) {
                let cause = Some(Cause::missing(id));
                self.correct(id, row, State::Missing, cause);
            } else {
                self.plan.actions.push(Action::Lost { id: *id });
            }
        }
        self.tell_missing(chosen);
        let left_to_clean = chosen.left.iter().filter(|found| found.judged().is_some());
        self.plan.left_to_clean = u64::try_from(left_to_clean.count()).unwrap_or(u64::MAX);
    }

    fn correct(&mut self, id: &PackageId, row: &Row, state: State, cause: Option<Cause>) {
        let code = cause.as_ref().map(|cause| cause.code.as_str());
        if row.state != state || row.code.as_deref() != code {
            self.plan.actions.push(Action::State {
                id: *id,
                from: row.state,
                to: state,
                cause,
            });
        }
    }

    /// What somebody needs and is not there, committed images first.
    fn tell_missing(&mut self, chosen: &Chosen<'a>) {
        let mut missing = Vec::new();
        let mut told = BTreeSet::new();
        for reference in &self.records.references {
            if chosen.kept.contains_key(&reference.id) {
                continue;
            }
            let is_image = reference.kind == COMMITTED_IMAGE;
            if is_image && !self.records.is_told(&reference.id) && told.insert(reference.id) {
                self.plan.actions.push(Action::CommittedImageMissing {
                    id: reference.id,
                    holder: reference.holder.clone(),
                });
            }
            missing.push((
                !is_image,
                Problem::Missing {
                    id: reference.id,
                    kind: reference.kind.clone(),
                    holder: reference.holder.clone(),
                    reason: reference.reason.clone(),
                },
            ));
        }
        missing.sort_by_key(|(later, _)| *later);
        let rest = std::mem::take(&mut self.plan.problems);
        let missing = missing.into_iter().map(|(_, problem)| problem);
        self.plan.problems = missing.chain(rest).collect();
    }

    fn new_entry(&mut self) -> String {
        let entry = self.next_entry.to_string();
        self.next_entry = self.next_entry.saturating_add(1);
        entry
    }
}

impl<'a> Chosen<'a> {
    /// What cannot get its place, because something that cannot be read is there, waits in quarantine.
    fn set_blocked_aside(&mut self) {
        let left = self.left.iter().map(|found| found.path.as_path());
        let left: BTreeSet<&Path> = left.collect();
        let is_blocked = |id: &PackageId| in_the_way(&left, id).is_some();
        let blocked = self.kept.extract_if(.., |id, _| is_blocked(id));
        for (id, (found, _)) in blocked.collect::<Vec<_>>() {
            self.reject(found, Cause::misplaced(&id));
        }
    }

    /// What is in quarantine already stays there.
    fn reject(&mut self, found: &'a Found, cause: Cause) {
        if !found.is_in_quarantine() {
            self.rejected.push((found, cause));
        }
    }
}

fn quarantine(found: &Found, entry: String, cause: Cause, returns: bool) -> Action {
    Action::Quarantine {
        from: found.path.clone(),
        entry,
        id: found.claimed,
        cause,
        returns,
        identity: found.identity,
    }
}

/// What is in an artifact's place, on the way there, or below it.
fn in_the_way<'a>(paths: &BTreeSet<&'a Path>, id: &PackageId) -> Option<&'a Path> {
    let home = artifact_path(id);
    let range = (Bound::Included(home.as_path()), Bound::Unbounded);
    let mut below = paths.range::<Path, _>(range);
    let below = below.next().filter(|path| path.starts_with(&home));
    let mut above = home.ancestors();
    below
        .or_else(|| above.find_map(|path| paths.get(path)))
        .copied()
}

/// Whether nothing is at `home`, and nothing but directories on the way there.
fn is_free(home: &Path, files: &BTreeSet<&Path>, directories: &BTreeSet<&Path>) -> bool {
    !directories.contains(home) && home.ancestors().all(|path| !files.contains(path))
}

/// The directories that nothing is left in, the deepest first.
fn emptied(directories: &[PathBuf], chosen: &Chosen<'_>) -> Vec<Action> {
    // Of the directories that are looked at here an artifact that is kept needs its own only.
    let of_kept = |directory: &Path| {
        let id = claimed(&directory.join(PACKAGE));
        id.is_some_and(|id| chosen.kept.contains_key(&id))
    };
    let left = chosen.left.iter().map(|found| found.path.as_path());
    let left: BTreeSet<&Path> = left.collect();
    let of_left = |directory: &Path| {
        let range = (Bound::Included(directory), Bound::Unbounded);
        let mut behind = left.range::<Path, _>(range);
        behind
            .next()
            .is_some_and(|path| path.starts_with(directory))
    };
    let empty = directories
        .iter()
        .filter(|directory| !of_kept(directory) && !of_left(directory));
    let mut empty: Vec<_> = empty.cloned().collect();
    empty.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    let remove = |path| Action::RemoveDirectory { path };
    empty.into_iter().map(remove).collect()
}

#[cfg(test)]
mod tests;
