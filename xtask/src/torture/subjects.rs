//! The commands under torture: one table entry each.

use std::fs;

use super::place::{Place, remove};
use super::world::World;
use crate::shell::Outcome;

/// A command, the catalog it runs on, and what has to be true of it.
pub struct Subject {
    /// Its name in the tables.
    pub name: &'static str,
    /// What makes the catalog it runs on.
    pub before: &'static [Step],
    /// The command, without `isi upgrade catalog`; `{name}` is the ID of a package.
    pub line: &'static str,
    /// What to type to have it again after it was interrupted, where that is not the same.
    pub again: Option<&'static str>,
    /// How it ends.
    pub code: i32,
    /// How the interrupted command ends when it is run again after all of it was done.
    pub code_again: i32,
    /// Whether it is done as a whole or not at all; otherwise each of its steps is.
    pub whole: bool,
}

/// A step that prepares a catalog.
pub enum Step {
    /// A command that has to succeed.
    Isi(&'static str),
    /// Something from outside.
    Outside(fn(&Place, &World) -> Outcome),
}

/// What most commands are like.
const USUAL: Subject = Subject {
    name: "",
    before: TWO,
    line: "",
    again: None,
    code: 0,
    code_again: 0,
    whole: true,
};

const TWO: &[Step] = &[
    Step::Isi("import packages/one.isi"),
    Step::Isi("import packages/two.isi"),
];

/// All of them.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "import, the first",
        before: &[],
        line: "import packages/one.isi",
        ..USUAL
    },
    Subject {
        name: "import",
        line: "import packages/three.isi",
        ..USUAL
    },
    Subject {
        name: "import of 6 MiB",
        line: "import packages/large.isi",
        ..USUAL
    },
    Subject {
        name: "import of several",
        line: "import packages/three.isi packages/four.isi",
        whole: false,
        ..USUAL
    },
    Subject {
        name: "import once more",
        line: "import packages/two.isi",
        ..USUAL
    },
    Subject {
        name: "import puts back",
        before: &[
            Step::Isi("import packages/one.isi"),
            Step::Isi("import packages/two.isi"),
            Step::Outside(|place, world| remove(&place.artifact(world.id("two")?))),
        ],
        line: "import packages/two.isi",
        ..USUAL
    },
    Subject {
        name: "import refused",
        line: "import packages/stranger.isi",
        code: 4,
        code_again: 4,
        ..USUAL
    },
    Subject {
        name: "export",
        line: "export --id {two} --file out/two.isi",
        again: Some("export --id {two} --file out/two.isi --overwrite"),
        whole: false,
        ..USUAL
    },
    Subject {
        name: "export of several",
        line: "export --all --dir out --no-sha256",
        again: Some("export --all --dir out --no-sha256 --overwrite"),
        whole: false,
        ..USUAL
    },
    Subject {
        name: "export without digest",
        line: "export --id {two} --file out/two.isi --no-sha256",
        again: Some("export --id {two} --file out/two.isi --no-sha256 --overwrite"),
        ..USUAL
    },
    Subject {
        name: "export over a file",
        before: &[
            Step::Isi("import packages/one.isi"),
            Step::Isi("import packages/two.isi"),
            Step::Outside(|place, _| Ok(fs::write(place.exports().join("two.isi"), "old")?)),
        ],
        line: "export --id {two} --file out/two.isi --no-sha256 --overwrite",
        ..USUAL
    },
];
