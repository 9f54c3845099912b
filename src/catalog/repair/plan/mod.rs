//! What has to be done: a pure function of what was found and what is on record.
//!
//! The order makes every moment safe to be interrupted at: what is set aside is set aside whole, what
//! comes back comes back into an empty place, and whatever was not reached is found again by the next
//! survey. No action deletes the bytes of a file.

mod kept;

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use self::kept::Kept;
use super::action::{Action, COMMITTED_IMAGE, Cause, Plan, Problem};
use super::half::Half;
use super::records::{Records, Row};
use super::survey::{Finding, Found, Judged, Place, Survey};
use crate::catalog::State;
use crate::catalog::layout::{EVENTS, PACKAGE, artifact_path};
use crate::catalog::staging::ARTIFACT_MODE;
use crate::digest::PackageId;

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
        .extend(damage.map(Box::new).map(|cause| Action::Rebuild { cause }));
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
    kept: Kept<'a>,
    /// What has to leave the directory of the artifacts.
    rejected: Vec<(&'a Found, Box<Cause>)>,
    /// What stays although it is no artifact: only reading it failed, or `clean` may remove it.
    left: Vec<&'a Found>,
}

/// By name and version, as a digest: the manifest and one artifact that has both.
type Software = BTreeMap<Half, (Half, PackageId)>;

impl<'a> Planner<'a> {
    /// Decides about each file by its content; its place only breaks ties.
    fn choose(&self) -> Chosen<'a> {
        let mut chosen = Chosen {
            kept: Kept::default(),
            rejected: Vec::new(),
            left: Vec::new(),
        };
        // Made when the first package is seen that was never imported.
        let mut software = None;
        let mut candidates: Vec<&Found> = Vec::with_capacity(self.survey.files.len());
        for found in &self.survey.files {
            match &found.finding {
                Finding::Package(_) => candidates.push(found),
                Finding::Rejected(cause) => chosen.reject(found, cause.clone()),
                Finding::Unreadable(_) => chosen.left.push(found),
            }
        }
        let obstacles: BTreeSet<PathBuf> = chosen.left.iter().map(|f| f.place.path()).collect();
        // Among the artifacts before quarantine, at home before elsewhere, then by name.
        candidates.sort_unstable_by_key(|found| {
            let id = found.judged().map(|judged| judged.id);
            let home = id.is_some_and(|id| found.is_home_of(&id));
            (found.is_in_quarantine(), id, !home, &found.place)
        });
        for found in candidates {
            let Some(judged) = found.judged() else {
                continue;
            };
            if self.records.is_removed(&judged.id) && found.is_home_of(&judged.id) {
                chosen.left.push(found);
            } else if let Some(cause) = self.objection(judged, &chosen, &obstacles, &mut software) {
                chosen.reject(found, cause);
            } else {
                chosen.kept.push(found);
            }
        }
        chosen
    }

    /// Why a whole package should not be an artifact of the catalog.
    ///
    /// What cannot get its place, because something that cannot be read is there, waits in quarantine, and
    /// does not keep its name and version from others meanwhile.
    fn objection(
        &self,
        judged: &Judged,
        chosen: &Chosen<'a>,
        obstacles: &BTreeSet<PathBuf>,
        software: &mut Option<Software>,
    ) -> Option<Box<Cause>> {
        let cause = if self.records.is_removed(&judged.id) {
            Cause::removed()
        } else if !judged.state.is_sound() && !self.records.is_known(&judged.id) {
            return Some(
                judged
                    .cause
                    .clone()
                    .unwrap_or_else(|| Cause::foreign().into()),
            );
        } else if chosen.kept.contains(&judged.id) {
            Cause::duplicate(&judged.id)
        } else if in_the_way(obstacles, &judged.id).is_some() {
            Cause::misplaced(&judged.id)
        } else {
            Cause::conflict(&self.conflict(software, obstacles, judged)?)
        };
        Some(Box::new(cause))
    }

    /// The names and versions that are taken, each with its manifest and one artifact.
    fn recorded_software(&self, obstacles: &BTreeSet<PathBuf>) -> Software {
        // A row that is about to go does not keep its version from others.
        let stays =
            |id: &PackageId| self.records.is_referenced(id) || in_the_way(obstacles, id).is_some();
        let rows = self.records.rows.iter().filter(|(id, _)| stays(id));
        let mut software: Software = rows
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
        software: &mut Option<Software>,
        obstacles: &BTreeSet<PathBuf>,
        judged: &Judged,
    ) -> Option<PackageId> {
        if self.records.is_known(&judged.id) {
            return None;
        }
        let software = software.get_or_insert_with(|| self.recorded_software(obstacles));
        let entry = software.entry(judged.software);
        let (manifest, other) = entry.or_insert((judged.manifest, judged.id));
        (*manifest != judged.manifest).then_some(*other)
    }

    /// Brings every file to where it belongs.
    fn place(&mut self, chosen: &Chosen<'a>) {
        let survey = self.survey;
        let taken = LazyCell::new(|| Taken::of(survey));
        let (mut moves, mut aside, mut back) = (Vec::new(), Vec::new(), Vec::new());
        for (found, Judged { id, .. }) in chosen.kept.iter() {
            if found.is_home_of(id) {
                self.protect(found, *id);
                continue;
            }
            let identity = found.identity;
            if let Place::Quarantine(entry) = &found.place {
                back.push(Action::Restore {
                    id: *id,
                    entry: entry.clone(),
                    identity,
                });
            } else if taken.is_free(id) {
                let from = found.place.path().into();
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
                aside.push(quarantine(found, entry, Cause::misplaced(id).into(), true));
            }
        }
        for (found, cause) in &chosen.rejected {
            let entry = self.new_entry();
            aside.push(quarantine(found, entry, cause.clone(), false));
        }
        if let Some((identity, cause)) = &self.survey.mirror {
            aside.push(Action::Quarantine {
                from: Path::new(EVENTS).into(),
                entry: self.new_entry(),
                id: None,
                cause: Box::new(cause.clone()),
                returns: false,
                identity: *identity,
            });
        }
        let actions = &mut self.plan.actions;
        actions.append(&mut moves);
        actions.append(&mut aside);
        actions.extend(emptied(survey, chosen));
        actions.append(&mut back);
        let empty = survey
            .empty_entries
            .iter()
            .map(|entry| entry.as_str().into());
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
        for (found, judged) in chosen.kept.iter() {
            let id = &judged.id;
            if let Some(row) = self.records.rows.get(id) {
                if row.facts != judged.facts {
                    let (id, identity) = (*id, found.identity);
                    self.plan.actions.push(Action::Correct { id, identity });
                }
                self.correct(id, row, judged.state, judged.cause.clone());
            }
        }
        self.enter(chosen);
        let mut unreadable = BTreeMap::new();
        for found in &chosen.left {
            if let Finding::Unreadable(cause) = &found.finding {
                let path = found.place.path();
                unreadable.insert(path.clone(), (cause, found.shut().is_some()));
                let mut cause = Cause::clone(cause);
                if let Some(id) = found.shut() {
                    self.protect(found, id);
                    cause.hint = Some("repair once more: then it can be read".to_owned());
                }
                self.plan.problems.push(Problem::Unreadable { path, cause });
            }
        }
        let names: BTreeSet<PathBuf> = unreadable.keys().cloned().collect();
        for (id, row) in &self.records.rows {
            if chosen.kept.contains(id) {
                continue;
            }
            let obstacle = in_the_way(&names, id);
            if let Some((cause, shut)) = obstacle.and_then(|path| unreadable.get(path)) {
                // What could be read as soon as its mode is right says nothing yet.
                if !shut {
                    let cause = Some(Box::clone(cause));
                    self.correct(id, row, State::Corrupt, cause);
                }
            } else if self.records.is_referenced(id) {
                let cause = Some(Box::new(Cause::missing(id)));
                self.correct(id, row, State::Missing, cause);
            } else {
                self.plan.actions.push(Action::Lost { id: *id });
            }
        }
        self.tell_missing(chosen);
        let left_to_clean = chosen.left.iter().filter(|found| found.judged().is_some());
        self.plan.left_to_clean = u64::try_from(left_to_clean.count()).unwrap_or(u64::MAX);
    }

    /// Lists what is not listed, in the order of the imports.
    fn enter(&mut self, chosen: &Chosen<'a>) {
        let listed = self.plan.actions.len();
        for (found, judged) in chosen.kept.iter() {
            let id = judged.id;
            if !self.records.rows.contains_key(&id) {
                self.plan.actions.push(Action::Enter {
                    id,
                    state: judged.state,
                    cause: judged.cause.clone(),
                    recorded: self.records.is_known(&id),
                    identity: found.identity,
                });
            }
        }
        let entered = self.plan.actions.get_mut(listed..).unwrap_or_default();
        entered.sort_unstable_by_key(|action| self.records.age(action.id()));
    }

    fn correct(&mut self, id: &PackageId, row: &Row, state: State, cause: Option<Box<Cause>>) {
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
            if chosen.kept.contains(&reference.id) {
                continue;
            }
            let is_image = reference.kind == COMMITTED_IMAGE;
            if is_image && !self.records.is_told(&reference.id) && told.insert(reference.id) {
                self.plan.actions.push(Action::CommittedImageMissing {
                    id: reference.id,
                    holder: reference.holder.as_str().into(),
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

    fn new_entry(&mut self) -> Box<str> {
        let entry = self.next_entry.to_string().into();
        self.next_entry = self.next_entry.saturating_add(1);
        entry
    }
}

impl<'a> Chosen<'a> {
    /// What is in quarantine already stays there.
    fn reject(&mut self, found: &'a Found, cause: Box<Cause>) {
        if !found.is_in_quarantine() {
            self.rejected.push((found, cause));
        }
    }
}

fn quarantine(found: &Found, entry: Box<str>, cause: Box<Cause>, returns: bool) -> Action {
    Action::Quarantine {
        from: found.place.path().into(),
        entry,
        id: found.place.claimed().map(Box::new),
        cause,
        returns,
        identity: found.identity,
    }
}

/// What is in an artifact's place, on the way there, or below it.
fn in_the_way<'a>(paths: &'a BTreeSet<PathBuf>, id: &PackageId) -> Option<&'a Path> {
    let home = artifact_path(id);
    let range = (Bound::Included(home.as_path()), Bound::Unbounded);
    let mut below = paths.range::<Path, _>(range);
    let below = below.next().filter(|path| path.starts_with(&home));
    let mut above = home.ancestors();
    below
        .or_else(|| above.find_map(|path| paths.get(path)))
        .map(PathBuf::as_path)
}

/// Where there is something.
struct Taken<'a> {
    homes: BTreeSet<PackageId>,
    files: BTreeSet<&'a Path>,
    directories: BTreeSet<&'a Path>,
}

impl<'a> Taken<'a> {
    fn of(survey: &'a Survey) -> Self {
        let places = || survey.files.iter().map(|found| &found.place);
        let files = places().filter_map(|place| match place {
            Place::Elsewhere(path) => Some(&**path),
            Place::Home(_) | Place::Quarantine(_) => None,
        });
        Self {
            homes: places().filter_map(Place::claimed).collect(),
            files: files.collect(),
            directories: survey.directories.iter().map(PathBuf::as_path).collect(),
        }
    }

    /// Whether nothing has an artifact's place, and nothing but directories is on the way there.
    fn is_free(&self, id: &PackageId) -> bool {
        let home = artifact_path(id);
        !self.homes.contains(id)
            && !self.directories.contains(home.as_path())
            && home.ancestors().all(|path| !self.files.contains(path))
    }
}

/// The directories that nothing is left in, the deepest first.
fn emptied(survey: &Survey, chosen: &Chosen<'_>) -> Vec<Action> {
    // Of the directories that are looked at here an artifact that is kept needs its own only.
    let is_kept = |id: &PackageId| chosen.kept.contains(id);
    let of_kept = |directory: &Path| match Place::of(&directory.join(PACKAGE)) {
        Place::Home(id) => is_kept(&id),
        Place::Elsewhere(_) | Place::Quarantine(_) => false,
    };
    let left = chosen.left.iter().map(|found| found.place.path());
    let left: BTreeSet<PathBuf> = left.collect();
    let of_left = |directory: &Path| {
        let range = (Bound::Included(directory), Bound::Unbounded);
        let mut behind = left.range::<Path, _>(range);
        behind
            .next()
            .is_some_and(|path| path.starts_with(directory))
    };
    let homes = survey
        .files
        .iter()
        .filter_map(|found| found.place.claimed());
    let homes = homes.filter(|id| !is_kept(id)).map(|id| artifact_path(&id));
    let homes = homes.filter_map(|home| home.parent().map(Path::to_owned));
    let directories = survey.directories.iter().cloned().chain(homes);
    let empty = directories.filter(|directory| !of_kept(directory) && !of_left(directory));
    let mut empty: Vec<_> = empty.collect();
    empty.sort();
    empty.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    let remove = |path: PathBuf| Action::RemoveDirectory { path: path.into() };
    empty.into_iter().map(remove).collect()
}

#[cfg(test)]
mod tests;
