//! The same work for many packages: what fails is said at once, and the rest goes on.

use serde_json::{Value, json};

use crate::cli::error::Kind;
use crate::cli::{CommandError, Context, Exit};

/// What came of the packages so far.
#[derive(Debug)]
pub(super) struct Batch {
    expected: usize,
    items: Vec<Value>,
    failed: usize,
    untrusted: bool,
}

impl Batch {
    /// Nothing yet, of this many packages.
    pub(super) fn of(expected: usize) -> Self {
        Self {
            expected,
            items: Vec::new(),
            failed: 0,
            untrusted: false,
        }
    }

    /// One package is done.
    pub(super) fn done(&mut self, item: Value) {
        self.items.push(item);
    }

    /// One package failed; an error if that ends the work: it was the only one, or the caller stopped it.
    pub(super) fn failed(
        &mut self,
        subject: (&str, &str),
        error: CommandError,
        context: &mut Context,
    ) -> Result<(), CommandError> {
        let stops = matches!(error.kind(), Kind::Interrupted(_) | Kind::BrokenPipe);
        if stops || self.expected == 1 {
            return Err(error);
        }
        error.report(&mut context.out);
        self.failed = self.failed.saturating_add(1);
        self.untrusted |= error.kind() == Kind::NotTrusted;
        let (key, value) = subject;
        self.items
            .push(json!({ key: value, "error": error.to_json() }));
        Ok(())
    }

    /// Prints everything as JSON, or says how much failed, and tells how it all ended.
    pub(super) fn finish(self, is_json: bool, context: &mut Context) -> Result<Exit, CommandError> {
        if is_json {
            let (total, failed, items) = (self.items.len(), self.failed, self.items);
            context
                .out
                .json(&json!({ "schema": 1, "total": total, "failed": failed, "items": items }))?;
        } else if self.failed > 0 {
            let (failed, total) = (self.failed, self.expected);
            context.out.say(&format!("{failed} of {total} failed"));
        }
        Ok(match (self.failed, self.untrusted) {
            (0, _) => Exit::Done,
            (_, true) => Exit::NotTrusted,
            (_, false) => Exit::SomeFailed,
        })
    }
}
