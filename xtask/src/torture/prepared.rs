//! A command with the catalog it runs on, and what it does when nobody disturbs it.

use std::path::Path;
use std::time::{Duration, Instant};

use super::calls::Call;
use super::place::Place;
use super::state::State;
use super::subjects::{Step, Subject};
use super::tracer::{self, Act};
use super::world::World;
use crate::shell::{Outcome, failure};

/// A command that is ready to be tortured.
pub struct Prepared<'a> {
    /// The table entry.
    pub subject: &'a Subject,
    /// The catalog before.
    pub place: Place,
    /// The command's words.
    pub line: String,
    /// The words to have it again.
    pub again: String,
    /// What can be seen before it.
    pub before: State,
    /// What can be seen after it.
    pub after: State,
    /// Its changing calls.
    pub calls: Vec<Call>,
    /// What it says.
    pub said: String,
    /// How long it takes.
    pub time: Duration,
}

impl<'a> Prepared<'a> {
    /// Makes the catalog below `root` and runs the command once on a copy of it.
    pub fn new(subject: &'a Subject, world: &World, root: &Path) -> Outcome<Self> {
        let place = Place::create(&root.join("before"), world, &world.packages())?;
        for step in subject.before {
            match step {
                Step::Isi(line) => place.expect(&world.fill(line), 0)?,
                Step::Outside(work) => work(&place, world)?,
            }
        }
        let line = world.fill(subject.line);
        let copy = place.copy_to(&root.join("after"))?;
        let ending = tracer::run(&copy.isi(&line), root, Act::Watch)?;
        if ending.code != Some(subject.code) {
            return failure(format!("{}: {ending:?}", subject.name));
        }
        let after = State::look(&copy, root)?;
        let copy = place.copy_to(&root.join("after"))?;
        let start = Instant::now();
        copy.expect(&line, subject.code)?;
        Ok(Self {
            time: start.elapsed(),
            subject,
            line,
            again: world.fill(subject.again.unwrap_or(subject.line)),
            before: State::look(&place, root)?,
            after,
            said: ending.said(),
            calls: ending.calls,
            place,
        })
    }
}
