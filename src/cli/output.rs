use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{CommandError, Kind};
use super::escape;

/// Bytes of data held back before they are written: long lists are many lines.
const BUFFER: usize = 64 << 10;

/// What is known about the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Terminal {
    /// Somebody can answer questions.
    pub input: bool,
    /// Standard output is read by a person.
    pub output: bool,
    /// The error stream is read by a person.
    pub error: bool,
    /// Columns of the terminal that shows standard output.
    pub width: Option<u16>,
}

/// How much is said beside the data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Verbosity {
    /// Only errors.
    Quiet,
    /// Notes and warnings too.
    #[default]
    Normal,
}

/// Writes data to standard output and talk to the error stream; nothing else prints.
///
/// Everything it prints is escaped on the way, so no text from a package reaches the terminal raw.
pub struct Printer {
    stdout: Box<dyn Write + Send>,
    talk: Talk,
    terminal: Terminal,
    verbosity: Verbosity,
}

/// The error stream, for those who say something while others print.
#[derive(Clone)]
pub(super) struct Talk(Arc<Mutex<Box<dyn Write + Send>>>);

impl Talk {
    /// Writes a line.
    pub(super) fn say(&self, text: &str) {
        self.write(&(escape::line(text).into_owned() + "\n"));
    }

    fn write(&self, text: &str) {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nobody left to tell when the error stream is gone.
        stream.write_all(text.as_bytes()).unwrap_or_default();
        stream.flush().unwrap_or_default();
    }
}

impl fmt::Debug for Talk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Talk").finish_non_exhaustive()
    }
}

impl Printer {
    /// Writes to these two.
    pub fn new(
        stdout: Box<dyn Write + Send>,
        stderr: Box<dyn Write + Send>,
        terminal: Terminal,
    ) -> Self {
        Self {
            stdout,
            talk: Talk(Arc::new(Mutex::new(stderr))),
            terminal,
            verbosity: Verbosity::default(),
        }
    }

    /// Writes to the streams of the process.
    pub fn of_process() -> Self {
        let output = io::stdout().is_terminal();
        let terminal = Terminal {
            input: io::stdin().is_terminal(),
            output,
            error: io::stderr().is_terminal(),
            width: dialoguer::console::Term::stdout()
                .size_checked()
                .filter(|_| output)
                .map(|(_, columns)| columns),
        };
        let stdout = BufWriter::with_capacity(BUFFER, io::stdout());
        Self::new(Box::new(stdout), Box::new(io::stderr()), terminal)
    }

    /// What is known about the terminal.
    pub fn terminal(&self) -> Terminal {
        self.terminal
    }

    /// The error stream, for others who say something meanwhile.
    pub(super) fn talk(&self) -> Talk {
        self.talk.clone()
    }

    /// How much is said beside the data.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Says more, or less, from now on.
    pub fn set_verbosity(&mut self, verbosity: Verbosity) {
        self.verbosity = verbosity;
    }

    /// Prints one line of data.
    pub fn line(&mut self, text: &str) -> Result<(), CommandError> {
        let text = escape::line(text).into_owned() + "\n";
        self.data(&text)
    }

    /// Prints data of several lines, with one line feed at its end.
    pub fn text(&mut self, text: &str) -> Result<(), CommandError> {
        let text = escape::lines(text);
        self.data(text.trim_end_matches('\n'))?;
        self.data("\n")
    }

    /// Prints a value as JSON.
    pub fn json(&mut self, value: &impl serde::Serialize) -> Result<(), CommandError> {
        let text = serde_json::to_string_pretty(value).map_err(CommandError::failed)?;
        self.json_text(&text)?;
        self.data("\n")
    }

    /// Prints one line of JSON at once, for a program that reads while the work goes on.
    pub(super) fn json_line(&mut self, text: &str) -> Result<(), CommandError> {
        self.json_text(text)?;
        self.data("\n")?;
        self.finish()
    }

    /// Prints a piece of JSON text.
    pub(super) fn json_text(&mut self, text: &str) -> Result<(), CommandError> {
        self.data(&escape::json(text))
    }

    /// Says something to the person, unless it should be quiet.
    pub fn note(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.say(text);
        }
    }

    /// Warns, unless it should be quiet.
    pub fn warn(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.complain("warning", text);
        }
    }

    /// Writes `label: text` to the error stream, whatever the verbosity.
    pub fn complain(&mut self, label: &str, text: &str) {
        self.say(&format!("{label}: {text}"));
    }

    /// Writes a line to the error stream, whatever the verbosity.
    pub fn say(&mut self, text: &str) {
        self.talk.say(text);
    }

    /// Writes a question to the error stream and stays on its line.
    pub fn ask(&mut self, text: &str) {
        self.talk.write(&escape::line(text));
    }

    /// Writes help or usage, which hold no text from packages, to the error stream.
    pub fn say_lines(&mut self, text: &str) {
        self.talk.write(&escape::lines(text));
    }

    /// Writes out what is still held back; fails like the writing itself would have.
    pub fn finish(&mut self) -> Result<(), CommandError> {
        self.stdout.flush().map_err(output_failed)
    }

    fn data(&mut self, text: &str) -> Result<(), CommandError> {
        self.stdout
            .write_all(text.as_bytes())
            .map_err(output_failed)
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer")
            .field("terminal", &self.terminal)
            .field("verbosity", &self.verbosity)
            .finish_non_exhaustive()
    }
}

fn output_failed(error: io::Error) -> CommandError {
    let kind = match error.kind() {
        io::ErrorKind::BrokenPipe => Kind::BrokenPipe,
        _ => Kind::Failed,
    };
    CommandError::new(kind, error)
        .attempting("cannot write to standard output")
        .code("E_IO")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::Captured;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    fn broken(kind: io::ErrorKind) -> Printer {
        Printer::new(
            Box::new(Broken(kind)),
            Box::new(io::sink()),
            Terminal::default(),
        )
    }

    #[test]
    fn data_and_talk_go_their_own_ways() {
        let (captured, mut printer) = Captured::plain();
        printer.line("data").unwrap();
        printer.note("talk");
        assert_eq!(captured.stdout(), "data\n");
        assert_eq!(captured.stderr(), "talk\n");
    }

    #[test]
    fn quiet_says_errors_only() {
        let (captured, mut printer) = Captured::plain();
        printer.set_verbosity(Verbosity::Quiet);
        printer.note("note");
        printer.warn("warning");
        printer.complain("error", "bad");
        assert_eq!(captured.stderr(), "error: bad\n");
    }

    #[test]
    fn c12_nothing_is_printed_raw() {
        let (captured, mut printer) = Captured::plain();
        printer.line("a\u{1b}\nb").unwrap();
        printer.text("a\u{1b}\nb\n\n").unwrap();
        printer.json(&"a\u{202e}\u{1b}").unwrap();
        printer.note("a\u{1b}\nb");
        assert_eq!(
            captured.stdout(),
            "a\\u{1b}\\nb\na\\u{1b}\nb\n\"a\\u202e\\u001b\"\n"
        );
        assert_eq!(captured.stderr(), "a\\u{1b}\\nb\n");
    }

    #[test]
    fn a_closed_pipe_is_quiet_success_and_a_full_disk_is_not() {
        let closed = broken(io::ErrorKind::BrokenPipe).line("x").unwrap_err();
        assert_eq!(closed.kind().number(), 0);
        let closed = broken(io::ErrorKind::BrokenPipe).finish().unwrap_err();
        assert_eq!(closed.kind().number(), 0);
        let full = broken(io::ErrorKind::StorageFull).finish().unwrap_err();
        assert_eq!(full.kind().number(), 1);
    }
}
