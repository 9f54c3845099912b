//! `fault`: changing calls that fail, or write less than they were asked to.

use super::invariants::examine;
use super::prepared::Prepared;
use crate::shell::Outcome;
use crate::torture::fault::{Fault, clear, points};
use crate::torture::points::{Row, Verdict, go_through};
use crate::torture::tracer;
use crate::torture::{Torture, kept, thin};

/// Lets every call of one command fail in every way, or some of them when there is little time.
pub fn run(torture: &Torture, prepared: &Prepared<'_>) -> Outcome<Row> {
    let points = thin(points(&prepared.calls), torture.options.most(6));
    let name = prepared.subject.name;
    go_through(
        "fault",
        name,
        &points,
        &torture.scratch,
        &kept("fault", name),
        |_| Ok(()),
        |(number, fault): &(usize, Fault), directory, ()| {
            let site = prepared.site.copy_to(&directory.join("site"))?;
            let command = site.isi(prepared.subject.line);
            let ending = tracer::run(&command, directory, fault.act(*number))?;
            let Some(target) = &ending.target else {
                return Ok((String::new(), Verdict::NotReached));
            };
            let told = format!("call {number}, {target}, {fault:?}");
            let mut broken = examine(&site, prepared, &ending, directory, false)?;
            broken.extend(clear(prepared.subject.code, &ending).all());
            Ok((told, Verdict::Reached(broken)))
        },
    )
}
