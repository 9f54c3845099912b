//! The commands under torture that change a system: one table entry each.

use super::images;
use super::site::Site;
use crate::shell::Outcome;

/// A command, the system it runs on, and what has to be true of it.
pub struct Subject {
    /// Its name in the tables.
    pub name: &'static str,
    /// What makes the system it runs on.
    pub before: &'static [Step],
    /// The command, without `isi upgrade`; `booted=NAME` before it says what is running.
    pub line: &'static str,
    /// What finishes it after it was interrupted; nothing: the same command.
    pub again: Option<&'static str>,
    /// What undoes it while it is not finished, if anything does.
    pub undo: Option<&'static str>,
    /// How it ends.
    pub code: i32,
    /// How it may end, too, when it is run again after all of it was done.
    pub code_again: i32,
    /// Whether each run is another change, so that running it again comes to something else.
    pub counts: bool,
    /// Whether it changes the files of an environment one by one.
    pub in_place: bool,
    /// Whether it is part of the short version, too; then the power is cut, and environments are subvolumes.
    pub central: bool,
}

/// A step that prepares a system.
pub enum Step {
    /// A command that has to end with this code.
    Isi(&'static str, i32),
    /// Something from outside.
    Outside(fn(&Site) -> Outcome),
}

use Step::{Isi, Outside};

/// What most commands are like.
const USUAL: Subject = Subject {
    name: "",
    before: BY_HAND,
    line: "",
    again: Some("resume"),
    undo: None,
    code: 0,
    code_again: 0,
    counts: false,
    in_place: false,
    central: false,
};

/// A system whose environments were made by hand: a good one, and one on trial.
const BY_HAND: &[Step] = &[
    Isi("bootenv create old --empty", 0),
    Outside(|site| images::old(&site.environments().join("old"))),
    Isi("bootenv activate old", 0),
    Isi("bootenv select", 0),
    Isi("bootenv mark-good old", 0),
    Isi("bootenv create spare", 0),
];

/// All of them.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "start, the first",
        before: &[],
        line: "start --install-image-path packages/old.isi",
        // All is done: there is nothing to go on with, and a second start is refused.
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "start",
        line: "start --install-image-path packages/new.isi",
        code_again: 1,
        central: true,
        ..USUAL
    },
    Subject {
        name: "bootenv create",
        line: "bootenv create third --from spare",
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "bootenv activate",
        line: "bootenv activate spare --tries 2",
        central: true,
        ..USUAL
    },
    Subject {
        name: "bootenv activate, once",
        line: "bootenv activate spare --next-boot-only",
        ..USUAL
    },
    Subject {
        name: "bootenv select",
        before: &[
            Isi("bootenv create old --empty", 0),
            Outside(|site| images::old(&site.environments().join("old"))),
            Isi("bootenv activate old", 0),
            Isi("bootenv select", 0),
            Isi("bootenv mark-good old", 0),
            Isi("bootenv create spare", 0),
            Isi("bootenv activate spare --next-boot-only", 0),
        ],
        line: "bootenv select",
        counts: true,
        central: true,
        ..USUAL
    },
    Subject {
        name: "bootenv mark-good",
        line: "bootenv mark-good spare",
        ..USUAL
    },
    Subject {
        name: "bootenv destroy",
        line: "bootenv destroy spare --force",
        code_again: 1,
        ..USUAL
    },
];
