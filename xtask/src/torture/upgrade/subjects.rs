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
    again: None,
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

/// The old system: installed, started, found well, committed, and used.
const INSTALLED: &[Step] = &[
    Isi("start --install-image-path packages/old.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::operate),
];

/// The same, with a kernel.
const INSTALLED_WITH_KERNEL: &[Step] = &[
    Isi("start --install-image-path packages/old-with-kernel.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::operate),
];

/// The same, and the new system, which has the old kernel as well, waits for its first start.
const UPGRADING_WITH_KERNELS: &[Step] = &[
    Isi("start --install-image-path packages/old-with-kernel.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::operate),
    Isi(
        "start --install-image-path packages/new-with-kernel.isi --keep-old-kernel",
        0,
    ),
];

/// The same as without kernels, and the new system waits for its first start.
const UPGRADING: &[Step] = &[
    Isi("start --install-image-path packages/old.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::operate),
    Isi("start --install-image-path packages/new.isi", 0),
];

/// The same, and the new system was started.
const STARTED: &[Step] = &[
    Isi("start --install-image-path packages/old.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::operate),
    Isi("start --install-image-path packages/new.isi", 0),
    Isi("bootenv select", 0),
];

/// The same, and found itself well.
const UPGRADED: &[Step] = &[
    Isi("start --install-image-path packages/old.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::operate),
    Isi("start --install-image-path packages/new.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
];

/// A new system was started whose own health check fails.
const ILL: &[Step] = &[
    Isi("start --install-image-path packages/old.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::operate),
    Isi("start --install-image-path packages/ill.isi", 0),
    Isi("bootenv select", 0),
];

/// It was found ill, and the old one was started again.
const FALLEN_BACK: &[Step] = &[
    Isi("start --install-image-path packages/old.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::operate),
    Isi("start --install-image-path packages/ill.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 3),
    Isi("bootenv select", 0),
];

/// The old system with one of everything that a repair puts right.
const DAMAGED: &[Step] = &[
    Isi("start --install-image-path packages/old.isi", 0),
    Isi("bootenv select", 0),
    Isi("bootenv check", 0),
    Isi("commit --force", 0),
    Outside(images::damage),
];

/// All of them.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "start, the first",
        before: &[],
        line: "start --install-image-path packages/old.isi",
        again: Some("resume"),
        // All is done: there is nothing to go on with, and a second start is refused.
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "start",
        before: INSTALLED,
        line: "start --install-image-path packages/new.isi",
        again: Some("resume"),
        undo: Some("rollback --force"),
        code_again: 1,
        central: true,
        ..USUAL
    },
    Subject {
        name: "start, the old kernel kept",
        before: INSTALLED_WITH_KERNEL,
        line: "start --install-image-path packages/new-with-kernel.isi --keep-old-kernel",
        again: Some("resume"),
        undo: Some("rollback --force"),
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "rollback, the old kernel kept",
        before: UPGRADING_WITH_KERNELS,
        line: "rollback --force",
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "check, well",
        before: STARTED,
        line: "bootenv check",
        ..USUAL
    },
    Subject {
        name: "check, ill",
        before: ILL,
        line: "bootenv check",
        code: 3,
        code_again: 3,
        ..USUAL
    },
    Subject {
        name: "commit",
        before: UPGRADED,
        line: "commit --force",
        code_again: 1,
        central: true,
        ..USUAL
    },
    Subject {
        name: "rollback",
        before: UPGRADED,
        line: "rollback --force",
        code_again: 1,
        central: true,
        ..USUAL
    },
    Subject {
        name: "rollback, not started",
        before: UPGRADING,
        line: "rollback --force",
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "rollback, automatic",
        before: FALLEN_BACK,
        line: "bootenv check",
        ..USUAL
    },
    Subject {
        name: "verify-installed --fix",
        before: DAMAGED,
        line: "verify-installed --fix --force",
        in_place: true,
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
