//! Whole upgrades: started in the running system, booted, found well or not, committed or gone back from.

use crate::image::Manner;
use crate::machine::{self, Machine, Turn};
use crate::medium::Kind;
use crate::uml::End;
use crate::vendor::{Release, vendor};

/// Lets the machine run its first release: installed from a package into nothing, found well and committed.
pub(crate) fn install(machine: &mut Machine, release: Release) {
    let package = vendor().package(release, &machine.path(""));
    machine.done(&format!(
        "upgrade start --install-image-path {}",
        package.display()
    ));
    machine.to_do("isi upgrade commit --force && echo 'test: committed'");
    let turns = machine.turns(1);
    assert_eq!(turns[0].boot.end, End::Off, "{}", turns[0].boot.console);
    expect(&turns[0], "test: check ended with 0");
    expect(&turns[0], "test: committed");
    assert_eq!(state(machine), "committed");
}

/// Starts the upgrade to `release` in the system that runs now; gives the two environments.
pub(crate) fn upgrade(machine: &mut Machine, release: Release, flags: &str) -> [String; 2] {
    let package = vendor().package(release, &machine.path(""));
    let name = package.file_name().unwrap().to_str().unwrap();
    machine.to_do(&format!(
        "isi upgrade start --install-image-path /var/lib/isi/{name} {flags} && echo 'test: upgraded'"
    ));
    let turns = machine.turns(1);
    expect(&turns[0], "test: booted Test OS 1");
    expect(&turns[0], "test: upgraded");
    assert_eq!(state(machine), "upgrading");
    let system = machine.system();
    let new = system.loader().default().unwrap().unwrap().to_string();
    let old = turns[0].name.clone();
    assert_ne!(old, new);
    [old, new]
}

fn state(machine: &Machine) -> String {
    let view = machine.json("upgrade view");
    view["cluster_state"].as_str().unwrap().to_owned()
}

pub(crate) fn expect(turn: &Turn, line: &str) {
    assert!(turn.boot.says(line), "no {line:?}:\n{}", turn.boot.console);
}

/// The turns have to be these, name and ending; what a machine said is shown where they are not.
fn went(turns: &[Turn], expected: &[(&str, End)]) {
    let told: Vec<_> = turns.iter().map(Turn::told).collect();
    let consoles = turns.iter().map(|turn| turn.boot.console.as_str());
    let consoles = consoles.collect::<Vec<_>>().join("\n--- next turn\n");
    assert_eq!(told, expected, "{consoles}");
}

fn is_committed(mut machine: Machine) {
    install(&mut machine, Release::good(1));
    let [_, new] = upgrade(&mut machine, Release::good(2), "");
    machine.to_do("isi upgrade commit --force && echo 'test: committed'");
    let turns = machine.turns(4);
    went(&turns, &[(&new, End::Off)]);
    expect(&turns[0], "test: booted Test OS 2");
    expect(&turns[0], "test: check ended with 0");
    expect(&turns[0], "test: committed");
    assert_eq!(state(&machine), "committed");
    // For ever, not only as often as it may be tried.
    for _ in 0..2 {
        went(&machine.turns(1), &[(&new, End::Off)]);
    }
}

/// The new system is tried `tries` times, each ends like `end`; then the old one boots and notes that.
fn is_rolled_back(mut machine: Machine, release: Release, tries: usize, end: End) {
    install(&mut machine, Release::good(1));
    let [old, new] = upgrade(&mut machine, release, "");
    let mut turns = machine.turns(tries + 2);
    if end == End::Off {
        // It turned itself off by itself; the next turn is another one.
        assert_eq!(state(&machine), "error");
        turns.extend(machine.turns(1));
    }
    let mut expected = vec![(new.as_str(), end); tries];
    expected.push((old.as_str(), End::Off));
    went(&turns, &expected);
    let last = turns.last().unwrap();
    expect(last, "test: booted Test OS 1");
    expect(last, "test: check ended with 0");
    let view = machine.json("upgrade view");
    assert_eq!(view["cluster_state"], "committed", "{view}");
    assert_eq!(view["last_action"], "rollback", "{view}");
    assert_eq!(view["last_action_result"], "pass", "{view}");
    went(&machine.turns(1), &[(&old, End::Off)]);
}

#[test]
fn a_good_image_boots_from_a_directory_and_is_committed() {
    machine::on(Kind::Dir, is_committed);
}

#[test]
fn a_good_image_boots_from_a_subvolume_and_is_committed() {
    machine::on(Kind::Btrfs, is_committed);
}

#[test]
fn an_image_whose_health_check_fails_is_rolled_back() {
    let release = Release {
        health_check: Some("#!/bin/sh\necho 'no disk'\nexit 1\n"),
        ..Release::good(2)
    };
    machine::on_each_kind(|machine| is_rolled_back(machine, release, 1, End::Off));
}

#[test]
fn an_image_that_panics_is_rolled_back_after_its_tries() {
    let release = Release {
        manner: Manner::Panics,
        ..Release::good(2)
    };
    machine::on_each_kind(|machine| is_rolled_back(machine, release, 3, End::Panic));
}

#[test]
fn an_image_that_hangs_is_rolled_back_after_its_tries() {
    let release = Release {
        manner: Manner::Hangs,
        ..Release::good(2)
    };
    machine::on_each_kind(|machine| is_rolled_back(machine, release, 3, End::Hung));
}
