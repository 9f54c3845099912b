//! What is selected really boots, and what does not come up is given up after its tries.

use crate::image::Manner;
use crate::machine::{self, Machine, Turn};
use crate::medium::Kind;
use crate::uml::End;

/// Gives the machine a good system in `old`, the default, and another one in `new`.
fn fill(machine: &Machine, manner: Manner) {
    let kind = machine.medium.kind();
    let old = machine.environment("old", "Test OS 1", Manner::Good);
    machine.good(&old);
    machine.environment("new", "Test OS 2", manner);
    assert_eq!(machine.system().storage().kind().name(), kind.name());
}

fn activate(machine: &Machine, tries: u32, next_boot_only: bool) {
    let new = "new".parse().unwrap();
    machine.activate(&new, tries, next_boot_only);
}

fn told(turns: &[Turn]) -> Vec<(&str, End)> {
    turns.iter().map(Turn::told).collect()
}

/// Boots until a system turns itself off: each try of the new one ends like `end`, then the old one boots,
/// and after it always the old one.
fn falls_back(manner: Manner, end: End) {
    machine::on_each_kind(|mut machine| {
        fill(&machine, manner);
        activate(&machine, 2, false);
        let turns = machine.turns(5);
        assert_eq!(
            told(&turns),
            [("new", end), ("new", end), ("old", End::Off)]
        );
        assert!(turns[0].boot.says("test: booted Test OS 2"));
        assert!(turns[2].boot.says("test: booted Test OS 1"));
        assert_eq!(told(&machine.turns(1)), [("old", End::Off)]);
    });
}

#[test]
fn a_system_that_panics_is_given_up_after_its_tries() {
    falls_back(Manner::Panics, End::Panic);
}

#[test]
fn a_system_that_hangs_is_given_up_after_its_tries() {
    falls_back(Manner::Hangs, End::Hung);
}

#[test]
fn a_system_that_is_marked_good_boots_as_often_as_one_likes() {
    machine::on_each_kind(|mut machine| {
        fill(&machine, Manner::Good);
        activate(&machine, 1, false);
        assert_eq!(told(&machine.turns(1)), [("new", End::Off)]);
        let new = "new".parse().unwrap();
        machine.good(&new);
        assert_eq!(told(&machine.turns(1)), [("new", End::Off)]);
        assert_eq!(told(&machine.turns(1)), [("new", End::Off)]);
    });
}

#[test]
fn a_system_that_nobody_marks_good_is_given_up_though_it_boots() {
    machine::on(Kind::Dir, |mut machine| {
        fill(&machine, Manner::Unseen);
        activate(&machine, 1, false);
        assert_eq!(told(&machine.turns(1)), [("new", End::Off)]);
        assert_eq!(told(&machine.turns(1)), [("old", End::Off)]);
    });
}

#[test]
fn what_is_wanted_for_the_next_boot_boots_once() {
    machine::on_each_kind(|mut machine| {
        fill(&machine, Manner::Good);
        activate(&machine, 3, true);
        assert_eq!(told(&machine.turns(1)), [("new", End::Off)]);
        assert_eq!(told(&machine.turns(1)), [("old", End::Off)]);
    });
}
