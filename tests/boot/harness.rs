//! The harness itself: it tells apart how a machine ends, before anything of ours is trusted to it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::image::{self, Manner};
use crate::machine::{self, Machine};
use crate::medium::Kind;
use crate::uml::{self, Boot, End};

/// Boots a system that behaves in a certain manner, without asking anybody which.
fn boot(machine: &mut Machine, manner: Manner) -> Boot {
    let root = machine.path("one");
    if machine.medium.kind() == Kind::Btrfs {
        image::run("btrfs", &["-q", "subvolume", "create", image::text(&root)]);
    }
    image::make(&root, "Test OS 1", manner);
    machine.medium.lend(|medium| {
        let mut words = medium.boot_words(&root);
        words.extend(["isi.env=one".to_owned(), "rw".to_owned()]);
        uml::boot(medium.beside(), &words)
    })
}

fn expect(manner: Manner, end: End) {
    machine::on_each_kind(|mut machine| {
        let boot = boot(&mut machine, manner);
        assert_eq!(boot.end, end, "{}", boot.console);
        assert!(boot.says("test: booted Test OS 1"), "{}", boot.console);
        eprintln!(
            "{} {manner:?}: {:.1} s",
            machine.medium.kind().name(),
            boot.time.as_secs_f64()
        );
    });
}

#[test]
fn a_system_that_turns_itself_off_is_told() {
    expect(Manner::Good, End::Off);
}

#[test]
fn a_first_process_that_ends_is_told() {
    expect(Manner::Panics, End::Panic);
}

#[test]
fn a_system_that_hangs_is_told_and_ended() {
    expect(Manner::Hangs, End::Hung);
}

#[test]
fn a_system_that_wants_to_be_started_anew_is_told() {
    expect(Manner::Restarts, End::Restart);
}

#[test]
fn a_machine_that_ends_as_it_had_not_announced_is_tried_anew() {
    if uml::missing().is_some() {
        return;
    }
    let beginnings = Cell::new(0);
    machine::on(Kind::Dir, |mut machine| {
        beginnings.set(beginnings.get() + 1);
        let manner = [Manner::Fails, Manner::Good][beginnings.get() - 1];
        assert_eq!(boot(&mut machine, manner).end, End::Off);
    });
    assert_eq!(beginnings.get(), 2);
}

#[test]
fn a_machine_that_never_ends_as_it_had_announced_fails_its_test() {
    if uml::missing().is_some() {
        return;
    }
    let work = |mut machine: Machine| {
        boot(&mut machine, Manner::Fails);
    };
    let on = AssertUnwindSafe(|| machine::on(Kind::Dir, work));
    let stopped = catch_unwind(on).unwrap_err();
    let told = stopped.downcast_ref::<String>().unwrap();
    assert!(told.contains("failed 3 times"), "{told}");
    assert!(told.contains("test: booted Test OS 1"), "{told}");
}

#[test]
fn a_test_that_finds_something_wrong_is_not_tried_anew() {
    if uml::missing().is_some() {
        return;
    }
    let beginnings = Cell::new(0);
    let work = |_| {
        beginnings.set(beginnings.get() + 1);
        panic!("something is wrong");
    };
    assert!(catch_unwind(AssertUnwindSafe(|| machine::on(Kind::Dir, work))).is_err());
    assert_eq!(beginnings.get(), 1);
}
