//! The commands under torture: one table entry each.

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

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
    Subject {
        name: "remove",
        line: "remove --id {one} --force",
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "remove of several",
        line: "remove --id {one} {two} --force",
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "remove refused",
        before: &[
            Step::Isi("import packages/one.isi"),
            Step::Isi("pin --id {one} --reason 'rack 4'"),
        ],
        line: "remove --id {one} --force",
        code: 1,
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "pin",
        line: "pin --id {one} --reason 'rack 4'",
        ..USUAL
    },
    Subject {
        name: "unpin",
        before: &[
            Step::Isi("import packages/one.isi"),
            Step::Isi("pin --id {one} --reason 'rack 4'"),
        ],
        line: "unpin --id {one} --reason 'drives gone'",
        code_again: 1,
        ..USUAL
    },
    Subject {
        name: "clean",
        before: &[
            Step::Isi("import packages/one.isi"),
            Step::Isi("import packages/two.isi"),
            Step::Isi("import packages/four.isi"),
            Step::Outside(litter),
        ],
        line: "clean --force",
        whole: false,
        ..USUAL
    },
    Subject {
        name: "repair",
        before: &[
            Step::Isi(
                "import packages/one.isi packages/two.isi packages/three.isi packages/four.isi",
            ),
            Step::Outside(disorder),
        ],
        line: "repair --force",
        code: 3,
        whole: false,
        ..USUAL
    },
    Subject {
        name: "repair, database lost",
        before: &[
            Step::Isi(
                "import packages/one.isi packages/two.isi packages/three.isi packages/four.isi",
            ),
            Step::Outside(disorder),
            Step::Outside(|place, _| remove(&place.catalog().join("catalog.db"))),
        ],
        line: "repair --force",
        code: 3,
        whole: false,
        ..USUAL
    },
    Subject {
        name: "repair, garbage database",
        before: &[
            Step::Isi("import packages/one.isi packages/two.isi packages/three.isi"),
            Step::Isi("pin --id {one} --reason 'rack 4'"),
            Step::Outside(|place, _| {
                Ok(fs::write(
                    place.catalog().join("catalog.db"),
                    "garbage ".repeat(5_000),
                )?)
            }),
        ],
        line: "repair --force",
        whole: false,
        ..USUAL
    },
    Subject {
        name: "quarantine restore",
        before: &[
            Step::Isi("import packages/one.isi"),
            Step::Outside(|place, world| set_aside(place, &world.package("two"), "package.isi")),
        ],
        line: "quarantine restore 1",
        code_again: 1,
        whole: false,
        ..USUAL
    },
    Subject {
        name: "quarantine purge",
        before: &[
            Step::Isi("import packages/one.isi"),
            Step::Outside(|place, world| set_aside(place, &world.package("stranger"), "content")),
        ],
        line: "quarantine purge 1 --force",
        code_again: 1,
        whole: false,
        ..USUAL
    },
];

/// An artifact without a row, a row without an artifact, and what an interrupted import leaves.
fn litter(place: &Place, world: &World) -> Outcome {
    remove(&place.artifact(world.id("four")?))?;
    put(&world.package("five"), &place.artifact(world.id("five")?))?;
    let left = place.catalog().join("incoming/4000000-0/package.isi");
    put(&world.package("six"), &left)
}

/// One of everything that a repair puts right.
fn disorder(place: &Place, world: &World) -> Outcome {
    let two = place.artifact(world.id("two")?);
    fs::set_permissions(&two, Permissions::from_mode(0o600))?;
    let mut bytes = fs::read(&two)?;
    if let Some(byte) = bytes.get_mut(100) {
        *byte ^= 1;
    }
    fs::write(&two, bytes)?;
    fs::set_permissions(&two, Permissions::from_mode(0o444))?;
    let three = place.artifact(world.id("three")?);
    if let Some(directory) = three.parent() {
        fs::rename(directory, directory.with_file_name("ab".repeat(32)))?;
    }
    remove(&place.artifact(world.id("four")?))?;
    put(&world.package("five"), &place.artifact(world.id("five")?))?;
    put(
        &world.package("stranger"),
        &place.catalog().join("artifacts/foreign"),
    )
}

/// An entry in quarantine, as a repair makes them.
fn set_aside(place: &Place, from: &Path, name: &str) -> Outcome {
    let entry = place.catalog().join("quarantine/1");
    put(from, &entry.join(name))?;
    let reason = entry.join("reason.json");
    fs::write(
        &reason,
        r#"{"schema":1,"time":"2026-11-01T12:00:00Z","from":"artifacts/x","id":null,"code":"E_FOREIGN_FILE","detail":"x","hint":null}"#,
    )?;
    Ok(fs::set_permissions(reason, Permissions::from_mode(0o600))?)
}

/// Puts a copy of a file somewhere in a catalog, with the modes that are usual there.
fn put(from: &Path, to: &Path) -> Outcome {
    for directory in to.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
        if !directory.exists() {
            fs::DirBuilder::new().mode(0o700).create(directory)?;
        }
    }
    fs::copy(from, to)?;
    Ok(fs::set_permissions(to, Permissions::from_mode(0o444))?)
}
