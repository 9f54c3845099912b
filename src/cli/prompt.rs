//! Questions; only asked where somebody can answer.

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
