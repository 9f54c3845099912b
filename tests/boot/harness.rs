//! The harness itself: it tells apart how a machine ends, before anything of ours is trusted to it.

use crate::image::{self, Manner};
use crate::machine::Machine;
use crate::medium::Kind;
use crate::uml::{self, Boot, End};

/// Boots a system that behaves in a certain manner, without asking anybody which.
fn boot(kind: Kind, manner: Manner) -> Option<Boot> {
    let mut machine = Machine::new(kind)?;
    let root = machine.path("one");
    if kind == Kind::Btrfs {
        image::run("btrfs", &["-q", "subvolume", "create", image::text(&root)]);
    }
    image::make(&root, "Test OS 1", manner);
    Some(machine.medium.lend(|medium| {
        let mut words = medium.boot_words(&root);
        words.extend(["isi.env=one".to_owned(), "rw".to_owned()]);
        uml::boot(medium.beside(), &words)
    }))
}

fn expect(manner: Manner, end: End) {
    for kind in Kind::ALL {
        let Some(boot) = boot(kind, manner) else {
            continue;
        };
        assert_eq!(boot.end, end, "{}", boot.console);
        assert!(boot.says("test: booted Test OS 1"), "{}", boot.console);
        eprintln!(
            "{} {manner:?}: {:.1} s",
            kind.name(),
            boot.time.as_secs_f64()
        );
    }
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
    let Some(mut machine) = Machine::new(Kind::Dir) else {
        return;
    };
    let root = machine.path("one");
    image::make(&root, "Test OS 1", Manner::Good);
    machine.to_do("reboot -f\nsleep 60\n");
    let boot = machine.medium.lend(|medium| {
        let mut words = medium.boot_words(&root);
        words.push("rw".to_owned());
        uml::boot(medium.beside(), &words)
    });
    assert_eq!(boot.end, End::Restart, "{}", boot.console);
}
