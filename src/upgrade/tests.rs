//! The engine on a machine that only remembers: order, kills, failures, pauses.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::testing::{Mock, a_plan, now};
use super::*;
use crate::fsio::Dir;
use crate::progress::{Progress, Silent};

fn journals(path: &Path) -> Journals {
    Journals::new(Dir::open(path).unwrap())
}

fn run(watch: &dyn Watch) -> Run<'_> {
    Run::new(now(), "tester", watch)
}

fn standing(journals: &Journals) -> Standing {
    Standing::of(&journals.read().unwrap().unwrap()).unwrap()
}

/// Remembers what it was told, and dies or asks for a stop when it was told so often.
#[derive(Default)]
struct Witness {
    told: Mutex<Vec<StepEvent>>,
    warned: Mutex<Vec<String>>,
    dies_at: Option<usize>,
    stops_at: Option<usize>,
    count: AtomicUsize,
}

impl Progress for Witness {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        self.stops_at
            .is_some_and(|at| self.count.load(Ordering::SeqCst) >= at)
    }
}

impl Watch for Witness {
    fn step(&self, event: &StepEvent) {
        self.told.lock().unwrap().push(*event);
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(self.dies_at != Some(count), "killed here");
    }

    fn warning(&self, code: &str, _: &str) {
        self.warned.lock().unwrap().push(code.to_owned());
    }
}

const UPGRADE: [(Action, Step); 9] = {
    let mut all = [(Action::Upgrade, Step::Hold); 9];
    let mut index = 0;
    while index < 9 {
        all[index].1 = Step::UPGRADE[index];
        index += 1;
    }
    all
};

#[test]
fn every_step_is_done_once_in_its_order_and_told_with_rising_percent() {
    let home = tempfile::tempdir().unwrap();
    let (journals, mut node, witness) =
        (journals(home.path()), Mock::default(), Witness::default());
    let mut engine = Engine::begin(&mut node, &journals, a_plan(), run(&witness)).unwrap();
    engine.run(Action::Upgrade).unwrap();
    assert_eq!(node.done, UPGRADE);
    assert_eq!(node.logged, ["upgrade-start", "upgrade-activate"]);
    let told = witness.told.into_inner().unwrap();
    assert_eq!(told.len(), 18);
    assert!(told.is_sorted_by_key(|event| event.percent));
    assert_eq!(told.last().unwrap().percent, 100);
    let found = standing(&journals);
    assert_eq!(found.phase(), Phase::Waiting);
    assert_eq!(ClusterState::of(Some(&found)), ClusterState::Upgrading);
}

#[test]
fn what_the_event_log_lacks_of_the_journal_is_entered_once_by_whoever_comes_next() {
    let home = tempfile::tempdir().unwrap();
    let journals = journals(home.path());
    let mut node = Mock {
        log_fails: true,
        ..Mock::default()
    };
    let mut engine = Engine::begin(&mut node, &journals, a_plan(), run(&Silent)).unwrap();
    engine.run(Action::Upgrade).unwrap();
    engine
        .enter(journal::Entry::Good {
            checks: serde_json::Value::Null,
        })
        .unwrap();
    node.log_fails = false;
    for _ in 0..2 {
        assert!(
            Engine::open(&mut node, &journals, run(&Silent))
                .unwrap()
                .is_some()
        );
        assert_eq!(node.logged, ["upgrade-start", "upgrade-activate"]);
    }
    assert_eq!(node.said[1]["record"], 19);
    assert!(node.said[1]["happened"].is_string(), "{}", node.said[1]);
    // One that ended is told by whoever begins the next one.
    node.log_fails = true;
    let mut engine = Engine::open(&mut node, &journals, run(&Silent))
        .unwrap()
        .unwrap();
    engine.run(Action::Commit).unwrap();
    node.log_fails = false;
    drop(Engine::begin(&mut node, &journals, a_plan(), run(&Silent)).unwrap());
    assert_eq!(node.logged[2..], ["upgrade-commit", "upgrade-start"]);
    assert!(node.said[2]["happened"].is_string(), "{}", node.said[2]);
    assert_eq!(node.said[3]["happened"], serde_json::Value::Null);
}

#[test]
fn a_process_killed_after_any_record_is_gone_on_with_or_taken_back() {
    for dies_at in 1..=18 {
        for back in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let journals = journals(home.path());
            let mut node = Mock::default();
            let witness = Witness {
                dies_at: Some(dies_at),
                ..Witness::default()
            };
            let killed = catch_unwind(AssertUnwindSafe(|| {
                let mut engine = Engine::begin(&mut node, &journals, a_plan(), run(&witness));
                engine.as_mut().unwrap().run(Action::Upgrade)
            }));
            assert!(killed.is_err(), "{dies_at}");
            let done = std::mem::take(&mut node.done);
            let refused = Engine::begin(&mut node, &journals, a_plan(), run(&Silent));
            assert_eq!(refused.unwrap_err().code(), "E_UPGRADE_RUNNING");
            let mut engine = Engine::open(&mut node, &journals, run(&Silent))
                .unwrap()
                .unwrap();
            if back {
                engine
                    .enter(journal::Entry::Rollback {
                        automatic: false,
                        reason: "test".into(),
                    })
                    .unwrap();
                engine.run(Action::Rollback).unwrap();
                let undone = node
                    .done
                    .iter()
                    .all(|(action, _)| *action == Action::Rollback);
                assert!(undone, "{dies_at}: {:?}", node.done);
                // Whatever was done is taken back, the last one first.
                let back = Step::ROLLBACK
                    .iter()
                    .filter(|step| done.iter().any(|(_, done)| done == *step));
                for step in back {
                    assert!(node.done.contains(&(Action::Rollback, *step)), "{dies_at}");
                }
                let found = standing(&journals);
                assert_eq!(found.outcome, Some(Outcome::RolledBack));
                assert_eq!(
                    found.last_action(),
                    (Action::Rollback, Some(ActionResult::Pass))
                );
            } else {
                engine.resume().unwrap();
                // What was done before and what was done now make the whole, and nothing is left out.
                let first = node.done[..].first().copied();
                let from = first.and_then(|first| UPGRADE.iter().position(|step| *step == first));
                assert_eq!(node.done, UPGRADE[from.unwrap_or(9)..], "{dies_at}");
                assert!(from.unwrap_or(9) <= done.len(), "{dies_at}");
                assert_eq!(standing(&journals).phase(), Phase::Waiting);
            }
        }
    }
}

#[test]
fn what_was_begun_in_the_new_root_is_begun_with_an_empty_one_again() {
    for (dies_at, from) in [
        (3, Step::Create),
        (5, Step::Create),
        (9, Step::Create),
        (11, Step::Kernels),
        (13, Step::Create),
        (15, Step::Finish),
    ] {
        let home = tempfile::tempdir().unwrap();
        let (journals, mut node) = (journals(home.path()), Mock::default());
        let witness = Witness {
            dies_at: Some(dies_at),
            ..Witness::default()
        };
        let killed = catch_unwind(AssertUnwindSafe(|| {
            let mut engine = Engine::begin(&mut node, &journals, a_plan(), run(&witness));
            engine.as_mut().unwrap().run(Action::Upgrade)
        }));
        assert!(killed.is_err());
        assert_eq!(standing(&journals).next_step(), Some(from), "{dies_at}");
    }
}

#[test]
fn a_step_that_fails_is_on_record_and_can_be_done_again() {
    let home = tempfile::tempdir().unwrap();
    let (journals, witness) = (journals(home.path()), Witness::default());
    let mut node = Mock {
        fails: Some(Step::Carry),
        log_fails: true,
        ..Mock::default()
    };
    let mut engine = Engine::begin(&mut node, &journals, a_plan(), run(&witness)).unwrap();
    let error = engine.run(Action::Upgrade).unwrap_err();
    assert_eq!(error.code(), "E_NO_SPACE");
    assert!(error.hint().unwrap().contains("retry-last-action"));
    let found = standing(&journals);
    let failure = found.failure.clone().unwrap();
    assert_eq!(
        (failure.step, failure.code.as_str()),
        (Step::Carry, "E_NO_SPACE")
    );
    assert_eq!(ClusterState::of(Some(&found)), ClusterState::Error);
    assert_eq!(
        found.last_action(),
        (Action::Upgrade, Some(ActionResult::Fail))
    );
    assert_eq!(
        witness.told.lock().unwrap().last().unwrap().state,
        StepState::Failed
    );
    // A log that cannot be written is told and stops nothing.
    assert!(witness.warned.lock().unwrap().len() > 1);
    node.fails = None;
    let mut engine = Engine::open(&mut node, &journals, run(&Silent))
        .unwrap()
        .unwrap();
    engine.resume().unwrap();
    assert_eq!(node.done[node.done.len() - 8..], UPGRADE[1..]);
    let found = standing(&journals);
    assert_eq!((found.phase(), found.failure), (Phase::Waiting, None));
}

#[test]
fn a_pause_comes_before_the_next_step() {
    let home = tempfile::tempdir().unwrap();
    let (journals, mut node) = (journals(home.path()), Mock::default());
    let mut engine = Engine::begin(&mut node, &journals, a_plan(), run(&Silent)).unwrap();
    journals.ask_pause().unwrap();
    let found = standing(&journals);
    assert_eq!(ProcessState::of(Some(&found), true), ProcessState::Pausing);
    let error = engine.run(Action::Upgrade).unwrap_err();
    assert_eq!(error.code(), "E_PAUSED");
    assert!(!journals.is_pause_asked().unwrap());
    let found = standing(&journals);
    assert_eq!(ProcessState::of(Some(&found), false), ProcessState::Paused);
    assert_eq!(ClusterState::of(Some(&found)), ClusterState::Upgrading);
    engine.resume().unwrap();
    assert_eq!(node.done, UPGRADE);
    assert_eq!(
        ProcessState::of(Some(&standing(&journals)), false),
        ProcessState::Running
    );
}

#[test]
fn who_wants_to_stop_is_obeyed_at_every_step() {
    for stops_at in 0..18 {
        let home = tempfile::tempdir().unwrap();
        let (journals, mut node) = (journals(home.path()), Mock::default());
        let witness = Witness {
            stops_at: Some(stops_at),
            ..Witness::default()
        };
        let mut engine = Engine::begin(&mut node, &journals, a_plan(), run(&witness)).unwrap();
        let stopped = engine.run(Action::Upgrade);
        if stops_at < 17 {
            assert!(stopped.unwrap_err().is_cancelled(), "{stops_at}");
            assert!(standing(&journals).paused);
        }
        let mut engine = Engine::open(&mut node, &journals, run(&Silent))
            .unwrap()
            .unwrap();
        engine.resume().unwrap();
        assert_eq!(node.done, UPGRADE);
    }
}

#[test]
fn commit_and_rollback_end_an_upgrade_and_a_new_one_may_begin() {
    for (action, outcome) in [
        (Action::Commit, Outcome::Committed),
        (Action::Rollback, Outcome::RolledBack),
    ] {
        let home = tempfile::tempdir().unwrap();
        let (journals, mut node) = (journals(home.path()), Mock::default());
        let mut engine = Engine::begin(&mut node, &journals, a_plan(), run(&Silent)).unwrap();
        engine.run(Action::Upgrade).unwrap();
        if action == Action::Rollback {
            let (automatic, reason) = (false, "test".to_owned());
            engine
                .enter(journal::Entry::Rollback { automatic, reason })
                .unwrap();
        } else {
            let checks = serde_json::Value::Null;
            engine.enter(journal::Entry::Good { checks }).unwrap();
            let found = engine.standing().unwrap();
            assert_eq!(ClusterState::of(Some(&found)), ClusterState::Upgraded);
        }
        engine.run(action).unwrap();
        let found = standing(&journals);
        assert_eq!((found.outcome, found.percent()), (Some(outcome), 100));
        assert_eq!(found.phase(), Phase::Ended);
        assert_eq!(ClusterState::of(Some(&found)), ClusterState::Committed);
        let told: Vec<_> = node.done.iter().skip(9).map(|(_, step)| *step).collect();
        assert_eq!(told, action.steps());
        assert!(
            Engine::open(&mut node, &journals, run(&Silent))
                .unwrap()
                .is_none()
        );
        let engine = Engine::begin(&mut node, &journals, a_plan(), run(&Silent)).unwrap();
        assert_eq!(engine.standing().unwrap().number, 2);
    }
}

#[test]
fn the_words_are_those_of_the_specification() {
    let specification = include_str!("../../format-spec/upgrade.md");
    let states = ClusterState::ALL.map(ClusterState::name);
    let processes = ProcessState::ALL.map(ProcessState::name);
    for word in states.into_iter().chain(processes) {
        assert!(specification.contains(&format!("| `{word}` |")), "{word}");
    }
    for step in Action::ALL.iter().flat_map(|action| action.steps()) {
        assert!(specification.contains(&format!("| `{step}` |")), "{step}");
    }
    for code in Refusal::CODES {
        assert!(specification.contains(&format!("| {code} |")), "{code}");
    }
}
