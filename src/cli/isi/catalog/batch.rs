//! The same work for many packages: what fails is said at once, and the rest goes on.

use serde::Serialize;
use serde_json::json;

use crate::cli::error::Kind;
use crate::cli::{CommandError, Context, Exit, table};

/// What came of the packages so far.
#[derive(Debug)]
pub(super) struct Batch {
    expected: usize,
    is_json: bool,
    printed: usize,
    failed: usize,
    untrusted: bool,
}

impl Batch {
    /// Nothing yet, of this many packages; as JSON each is printed when it is done.
    pub(super) fn of(expected: usize, is_json: bool) -> Self {
        Self {
            expected,
            is_json,
            printed: 0,
            failed: 0,
            untrusted: false,
        }
    }

    /// One package is done.
    pub(super) fn done(
        &mut self,
        item: &impl Serialize,
        context: &mut Context,
    ) -> Result<(), CommandError> {
        if !self.is_json {
            return Ok(());
        }
        let item = serde_json::to_string(item).map_err(CommandError::failed)?;
        let before = if self.printed == 0 {
            table::HEAD
        } else {
            table::BETWEEN
        };
        self.printed = self.printed.saturating_add(1);
        context.out.json_text(before)?;
        context.out.json_text(&item)
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
        self.done(&json!({ key: value, "error": error.to_json() }), context)
    }

    /// Prints the end of the JSON, or says how much failed, and tells how it all ended.
    pub(super) fn finish(self, context: &mut Context) -> Result<Exit, CommandError> {
        let (failed, total) = (self.failed, self.expected);
        if self.is_json {
            let nothing = self.printed == 0;
            let end = if nothing { table::EMPTY } else { table::END };
            context.out.json_text(end)?;
            let totals = format!(",\n  \"total\": {total},\n  \"failed\": {failed}\n}}\n");
            context.out.json_text(&totals)?;
        } else if failed > 0 {
            context.out.say(&format!("{failed} of {total} failed"));
        }
        Ok(match (failed, self.untrusted) {
            (0, _) => Exit::Done,
            (_, true) => Exit::NotTrusted,
            (_, false) => Exit::SomeFailed,
        })
    }
}
