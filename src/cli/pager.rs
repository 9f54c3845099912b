//! Long texts, page by page, for a person at a terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::context::Context;
use super::error::CommandError;

/// What shows a text if the environment names nothing.
const USUAL: &str = "less";

/// Prints a text of several lines: through a pager where a person reads it, else as it is.
///
/// The pager is `ISI_PAGER`, or else `PAGER`, split at spaces; no shell reads it. Without a pager that can
/// be started, and with an empty one, the text is printed.
pub(super) fn show(text: &str, context: &mut Context) -> Result<(), CommandError> {
    if context.out.terminal().output
        && let Some(mut pager) = command(context)
        && let Ok(mut child) = pager.spawn()
    {
        if let Some(mut input) = child.stdin.take() {
            // Whoever closes the pager early has read enough.
            let text = super::escape::lines(text);
            input.write_all(text.as_bytes()).unwrap_or_default();
        }
        return match child.wait() {
            Ok(_) => Ok(()),
            Err(error) => Err(CommandError::failed(error).attempting("cannot wait for the pager")),
        };
    }
    context.out.text(text)
}

fn command(context: &Context) -> Option<Command> {
    let pager = context.environment.pager.as_deref().unwrap_or(USUAL);
    let mut words = pager.split_whitespace();
    let mut command = Command::new(words.next()?);
    command.args(words).stdin(Stdio::piped());
    if pager == USUAL {
        // Ends by itself where everything fits, and shows nothing raw.
        command.args(["-F", "-X"]).env("LESSSECURE", "1");
    }
    Some(command)
}
