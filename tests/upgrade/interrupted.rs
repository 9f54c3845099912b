//! A process that dies after any record of its journal: what boots then, and how it goes on.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use isi_catalog::progress::Progress;
use isi_catalog::upgrade::{
    Action, Engine, Node as _, Outcome, Phase, Rules, Run, StepEvent, StepState, Watch, commit,
    plan, rollback,
};

use crate::world::{Kit, Place, context, name, now};

/// Dies when this many records were written.
struct Dies {
    after: usize,
    seen: AtomicUsize,
}

impl Progress for Dies {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
}

impl Watch for Dies {
    fn step(&self, event: &StepEvent) {
        if event.state != StepState::Running {
            let seen = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(seen < self.after, "killed after record {seen}");
        }
    }
}

fn dies(after: usize) -> Dies {
    let seen = AtomicUsize::new(0);
    Dies { after, seen }
}

/// Lets `work` die after each of its records in turn, and looks at what is left each time.
fn for_every_death(
    prepare: impl Fn() -> Place,
    work: impl Fn(&Place, Run<'_>),
    look: impl Fn(&Place, usize),
) -> usize {
    for after in 1.. {
        let place = prepare();
        let watch = dies(after);
        let run = Run::new(now(), "tester", &watch);
        let ended = catch_unwind(AssertUnwindSafe(|| work(&place, run)));
        if ended.is_ok() {
            return after - 1;
        }
        look(&place, after);
    }
    unreachable!()
}

/// Everything below a directory: kind, mode, owner, time, content.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    fn walk(directory: &Path, root: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let data = path.symlink_metadata().unwrap();
            let content = if data.is_dir() {
                walk(&path, root, found);
                String::new()
            } else if data.is_symlink() {
                std::fs::read_link(&path).unwrap().display().to_string()
            } else {
                format!("{:?}", std::fs::read(&path).unwrap())
            };
            let (mode, uid, time) = (data.mode(), data.uid(), data.mtime());
            let place = path.strip_prefix(root).unwrap().to_owned();
            found.insert(place, format!("{mode:o} {uid} {time} {content}"));
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

pub(crate) fn begin(place: &Place, package: &Path, run: Run<'_>) {
    let id = place.import(package);
    let (mut machine, context) = (place.machine(), context());
    let facts = machine.facts(id, &context).unwrap();
    let inventory = machine.inventory(&context).unwrap();
    let rules = Rules {
        environment: Some(name("v2.0")),
        ..Rules::default()
    };
    let plan = plan(&inventory, &facts, &rules).unwrap();
    let journals = place.journals();
    let mut engine = Engine::begin(&mut machine, &journals, plan, run).unwrap();
    engine.run(Action::Upgrade).unwrap();
}

fn resume(place: &Place) {
    let (mut machine, journals) = (place.machine(), place.journals());
    let engine = Engine::open(&mut machine, &journals, crate::world::run());
    engine.unwrap().unwrap().resume().unwrap();
}

fn old() -> Place {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    place
}

/// The old system boots, and is the one that it was.
fn expect_old(place: &Place) {
    assert_eq!(place.boot(), name("v1.0"));
    assert_eq!(place.read("v1.0", "etc/release"), "1.0\n");
}

#[test]
fn a_start_killed_after_any_record_boots_one_of_two_whole_systems_and_goes_on_or_back() {
    let vendor = Place::new();
    let new = vendor.package(&Kit::new("2.0", 2));
    let whole = {
        let place = old();
        begin(&place, &new, crate::world::run());
        tree(&place.path("system/environments/v2.0"))
    };
    let deaths = for_every_death(
        old,
        |place, run| begin(place, &new, run),
        |place, after| {
            // The last record but one says that the new environment is about to be activated.
            if after < 18 {
                expect_old(place);
            } else {
                assert_eq!(place.boot(), name("v2.0"));
            }
            resume(place);
            assert_eq!(place.standing().unwrap().phase(), Phase::Waiting);
            assert_eq!(tree(&place.path("system/environments/v2.0")), whole);
            assert_eq!(place.boot(), name("v2.0"), "{after}");
            assert!(place.check().passed());
            place.commit().unwrap();
            assert_eq!(place.boot(), name("v2.0"));
        },
    );
    assert_eq!(deaths, 18);
    let deaths = for_every_death(
        old,
        |place, run| begin(place, &new, run),
        |place, after| {
            place.rollback().unwrap();
            let standing = place.standing().unwrap();
            assert_eq!(standing.outcome, Some(Outcome::RolledBack));
            expect_old(place);
            assert_eq!(place.references(&standing.plan.package.id), [""; 0]);
            let finished = after > 15;
            let left: &[&str] = if finished {
                &["v1.0", "v2.0"]
            } else {
                &["v1.0"]
            };
            assert_eq!(place.environments(), left, "{after}");
            assert_eq!(place.system.storage().unfinished().unwrap(), []);
            // And the next one has a free way.
            if after % 6 == 0 {
                place.installed(&Kit::new("3.0", 3));
            }
        },
    );
    assert_eq!(deaths, 18);
}

#[test]
fn a_commit_killed_after_any_record_is_gone_on_with_by_the_next_one() {
    let upgraded = || {
        let place = old();
        place.start(&Kit::new("2.0", 2)).unwrap();
        assert_eq!(place.boot(), name("v2.0"));
        assert!(place.check().passed());
        place
    };
    let deaths = for_every_death(
        upgraded,
        |place, run| drop(commit(&mut place.machine(), &place.journals(), run).unwrap()),
        |place, after| {
            assert_eq!(place.boot(), name("v2.0"), "{after}");
            assert_eq!(place.read("v2.0", "etc/release"), "2.0\n");
            if place.standing().unwrap().phase() != Phase::Ended {
                place.commit().unwrap();
            }
            let standing = place.standing().unwrap();
            assert_eq!(standing.outcome, Some(Outcome::Committed), "{after}");
            let state = place.system.state().unwrap();
            assert_eq!(state.committed.unwrap().environment, name("v2.0"));
            assert_eq!(state.floors["onefs"], 2);
            let id = standing.plan.package.id;
            assert_eq!(place.references(&id), ["committed-image"]);
        },
    );
    assert!(deaths >= 8, "{deaths}");
}

#[test]
fn a_rollback_killed_after_any_record_is_gone_on_with_by_the_next_one() {
    let waiting = || {
        let place = old();
        place.start(&Kit::new("2.0", 2)).unwrap();
        place
    };
    let deaths = for_every_death(
        waiting,
        |place, run| {
            let (mut machine, journals) = (place.machine(), place.journals());
            drop(rollback(&mut machine, &journals, "a test", run).unwrap());
        },
        |place, after| {
            let booted = place.boot();
            assert!([name("v1.0"), name("v2.0")].contains(&booted), "{after}");
            if place.standing().unwrap().phase() != Phase::Ended {
                place.rollback().unwrap();
            }
            expect_old(place);
            let standing = place.standing().unwrap();
            assert_eq!(standing.outcome, Some(Outcome::RolledBack));
            assert_eq!(place.references(&standing.plan.package.id), [""; 0]);
        },
    );
    assert_eq!(deaths, 6);
}
