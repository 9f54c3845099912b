//! Questions; only asked where somebody can answer.

use std::io::{self, BufRead as _, Read as _};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use dialoguer::Password;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::context::Context;
use super::error::CommandError;
use crate::fsio;

/// Longest passphrase in bytes, so that a wrong descriptor is not read for ever.
const PASSPHRASE_LIMIT: u64 = 4096;

/// Longest answer in bytes that is read.
const ANSWER_LIMIT: u64 = 256;

/// Goes on only if somebody wants it: says what will happen, and asks on a terminal.
///
/// `forced` is the answer `yes` of `--force`; nothing is said then. Every answer but `yes` is a refusal,
/// and so is a missing terminal.
pub(super) fn confirm(
    context: &mut Context,
    explanation: &str,
    forced: bool,
) -> Result<(), CommandError> {
    if forced {
        return Ok(());
    }
    if !context.out.terminal().input {
        return Err(
            CommandError::failed("there is no terminal to ask whether this is wanted")
                .code("E_CONFIRM")
                .fact(
                    "question",
                    explanation.lines().collect::<Vec<_>>().join(" "),
                )
                .hint("--force answers yes"),
        );
    }
    for line in explanation.lines() {
        context.out.say(line);
    }
    context.out.ask("Are you sure? (yes/[no]): ");
    let answer = ask(context, || {
        let mut answer = Vec::new();
        let mut input = io::stdin().lock().take(ANSWER_LIMIT);
        input.read_until(b'\n', &mut answer)?;
        Ok(answer)
    })?;
    if is_yes(&answer) {
        Ok(())
    } else {
        Err(CommandError::failed("the answer was not `yes`: nothing was changed").code("E_CONFIRM"))
    }
}

/// Only the whole word counts, whatever its case.
fn is_yes(answer: &[u8]) -> bool {
    answer.trim_ascii().eq_ignore_ascii_case(b"yes")
}

/// Gets the passphrase of `key`: from the descriptor if one is named, else from the person.
pub(super) fn passphrase(
    context: &Context,
    key: &Path,
    descriptor: Option<u32>,
    flag: &'static str,
) -> Result<String, CommandError> {
    if let Some(descriptor) = descriptor {
        return from_descriptor(descriptor)
            .map_err(|error| error.attempting(format!("cannot read the passphrase ({flag})")));
    }
    if !context.out.terminal().input {
        return Err(CommandError::failed(format!(
            "{} is protected by a passphrase, and there is no terminal to ask for it",
            key.display()
        ))
        .code("E_PASSPHRASE")
        .hint(format!(
            "give it through a file descriptor: {flag} 3 3<passphrase.txt"
        )));
    }
    let prompt = format!(
        "Passphrase of {}",
        super::escape::line(&key.to_string_lossy())
    );
    ask(context, move || {
        Password::new()
            .with_prompt(prompt)
            .allow_empty_password(true)
            .interact()
    })
}

/// The first line of what the descriptor holds.
fn from_descriptor(descriptor: u32) -> Result<String, CommandError> {
    let bytes = fsio::read_descriptor(descriptor, PASSPHRASE_LIMIT)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        CommandError::failed("the passphrase is not UTF-8 text").code("E_PASSPHRASE")
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Asks while listening for the signal, and leaves the terminal as it was.
fn ask<T: Send + 'static>(
    context: &Context,
    question: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> Result<T, CommandError> {
    let before = tcgetattr(rustix::stdio::stdin()).ok();
    let (sender, answers) = mpsc::channel();
    // The thread stays behind when the question is interrupted; the process ends then anyway.
    let asking = std::thread::spawn(move || sender.send(question()).unwrap_or_default());
    loop {
        match answers.recv_timeout(Duration::from_millis(50)) {
            Ok(answer) => {
                asking.join().unwrap_or_default();
                return answer.map_err(|error| {
                    CommandError::failed(error).attempting("cannot ask on the terminal")
                });
            }
            Err(mpsc::RecvTimeoutError::Timeout) if !context.interrupt.raised() => {}
            Err(_) => {
                if let Some(before) = before {
                    let stdin = rustix::stdio::stdin();
                    tcsetattr(stdin, OptionalActions::Now, &before).unwrap_or_default();
                }
                return Err(context.interrupt.error());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{Captured, context};

    #[test]
    fn nobody_is_asked_without_a_terminal_and_force_answers_the_question() {
        let (captured, printer) = Captured::plain();
        let mut context = context(printer);
        let error = confirm(&mut context, "This will\nremove it.", false).unwrap_err();
        assert_eq!(captured.stderr(), "");
        error.report(&mut context.out);
        let said = captured.stderr();
        for part in [
            "question: This will remove it.",
            "code: E_CONFIRM",
            "--force",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(error.kind().number(), 1);
        confirm(&mut context, "This will remove it.", true).unwrap();
        assert_eq!(captured.stderr(), said);
    }

    #[test]
    fn only_the_whole_word_is_a_yes() {
        for yes in ["yes\n", " YES \r\n", "Yes"] {
            assert!(is_yes(yes.as_bytes()), "{yes:?}");
        }
        for no in [
            "",
            "\n",
            "y\n",
            "no\n",
            "yes please\n",
            "yesyes\n",
            "\u{0}yes",
        ] {
            assert!(!is_yes(no.as_bytes()), "{no:?}");
        }
    }
}
