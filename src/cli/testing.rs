//! What the tests of the command lines share: a printer that remembers.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{Context, Environment, Interrupt, Printer, Terminal};
use crate::service::config::Given;

/// What a command gets, with this printer and nothing else of note.
pub(super) fn context(out: Printer) -> Context {
    Context {
        out,
        now: Timestamp::UNIX_EPOCH,
        environment: Environment::default(),
        actor: "uid 0".to_owned(),
        flags: Given::default(),
        interrupt: Interrupt::default(),
    }
}

/// What was printed.
#[derive(Clone, Default)]
pub(super) struct Captured {
    stdout: Shared,
    stderr: Shared,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// A printer whose streams are pipes.
    pub(super) fn plain() -> (Self, Printer) {
        Self::on(Terminal::default())
    }

    /// A printer on `terminal`.
    pub(super) fn on(terminal: Terminal) -> (Self, Printer) {
        let captured = Self::default();
        let stdout = Box::new(captured.stdout.clone());
        let stderr = Box::new(captured.stderr.clone());
        (captured, Printer::new(stdout, stderr, terminal))
    }

    pub(super) fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub(super) fn stderr(&self) -> String {
        self.stderr.text()
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
