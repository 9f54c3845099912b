use std::error::Error;
use std::fmt;
use std::io;

use super::Printer;
use crate::fsio::FsError;

/// Why a command did not do what was asked; decides the exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The reader of standard output went away: quiet success.
    BrokenPipe,
    /// It failed, or was refused.
    Failed,
    /// The command line is wrong.
    Usage,
    /// A package is not trusted.
    NotTrusted,
    /// A signal asked it to stop; the number of the signal.
    Interrupted(u8),
}

impl Kind {
    /// The number the process ends with.
    pub const fn number(self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotTrusted => 4,
            Self::Interrupted(signal) => 128_u8.saturating_add(signal),
        }
    }
}

/// The one error of the command lines: what happened, why, its stable code, and what to do next.
#[derive(Debug)]
pub struct CommandError {
    kind: Kind,
    /// What was attempted, outermost first; printed before the source.
    attempts: Vec<String>,
    source: Box<dyn Error + Send + Sync>,
    /// What was expected and found, by name.
    facts: Vec<(String, String)>,
    code: Option<String>,
    hints: Vec<String>,
}

impl CommandError {
    /// An error of `kind`, told by `source`.
    pub fn new(kind: Kind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            attempts: Vec::new(),
            source: source.into(),
            facts: Vec::new(),
            code: None,
            hints: Vec::new(),
        }
    }

    /// Something failed or was refused.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Kind::Failed, source)
    }

    /// The command line asks for what cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message.into()).code("E_USAGE")
    }

    /// Sets the stable code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds something that was expected or found.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }

    /// Adds advice that says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds advice where there is any.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// Says what was attempted when this happened, as in "cannot open package x.isi".
    #[must_use]
    pub fn attempting(mut self, attempt: impl Into<String>) -> Self {
        self.attempts.insert(0, attempt.into());
        self
    }

    /// Why it failed, which decides the exit code.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The error as a program reads it, with the fields that [`CommandError::report`] prints.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let facts = self.facts.iter().cloned();
        serde_json::json!({
            "code": self.code,
            "message": self.layers(),
            "facts": facts.collect::<std::collections::BTreeMap<_, _>>(),
            "hints": self.hints,
        })
    }

    /// What was attempted and what went wrong, outermost first, each layer once.
    fn layers(&self) -> Vec<String> {
        let mut layers = self.attempts.clone();
        let mut next: Option<&(dyn Error + 'static)> = Some(self.source.as_ref());
        while let Some(error) = next {
            layers.push(error.to_string());
            next = error.source();
        }
        layers.dedup();
        layers
    }

    /// What the source says, without the attempts.
    #[cfg(test)]
    pub(super) fn source_text(&self) -> String {
        self.source.to_string()
    }

    /// Prints the error to the error stream: each layer of the chain once, the code, the hints.
    pub fn report(&self, out: &mut Printer) {
        match self.kind {
            Kind::BrokenPipe => return,
            Kind::Interrupted(_) => return out.say("interrupted"),
            _ => {}
        }
        for (depth, layer) in self.layers().iter().enumerate() {
            out.complain(if depth == 0 { "error" } else { "  cause" }, layer);
        }
        for (name, value) in &self.facts {
            out.complain(&format!("  {name}"), value);
        }
        if let Some(code) = &self.code {
            out.complain("  code", code);
        }
        for hint in &self.hints {
            out.complain("hint", hint);
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts.first() {
            Some(attempt) => f.write_str(attempt),
            None => self.source.fmt(f),
        }
    }
}

impl Error for CommandError {}

/// What to do when an output is there already.
pub(super) const EXISTS: &str = "give another name, or --overwrite to replace it";

impl From<FsError> for CommandError {
    fn from(error: FsError) -> Self {
        let hint = error.hint().or_else(|| match &error {
            FsError::Exists { .. } => Some(EXISTS.to_owned()),
            FsError::System { source, .. } => advice(source.kind()),
            _ => None,
        });
        let code = error.code();
        Self::failed(error).code(code).maybe_hint(hint)
    }
}

fn advice(kind: io::ErrorKind) -> Option<String> {
    let advice = match kind {
        io::ErrorKind::PermissionDenied => {
            "run as a user who may, or try it all below a directory of your own with --home DIR"
        }
        io::ErrorKind::StorageFull => "free some space and try again: nothing was left behind",
        _ => return None,
    };
    Some(advice.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::Captured;

    #[derive(Debug, thiserror::Error)]
    #[error("outer {0}")]
    struct Outer(&'static str, #[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner\u{1b}")]
    struct Inner;

    fn printed(error: &CommandError) -> String {
        let (captured, mut printer) = Captured::plain();
        error.report(&mut printer);
        assert_eq!(captured.stdout(), "");
        captured.stderr()
    }

    #[test]
    fn every_layer_once_then_the_code_then_the_hints() {
        let error = CommandError::failed(Outer("thing", Inner))
            .attempting("cannot do it")
            .fact("found", "2\n")
            .code("E_THING")
            .hint("do the other thing");
        assert_eq!(
            printed(&error),
            "error: cannot do it\n  cause: outer thing\n  cause: inner\\u{1b}\n  \
             found: 2\\n\n  code: E_THING\nhint: do the other thing\n"
        );
    }

    #[test]
    fn every_kind_has_its_exit_code() {
        let numbers = [
            (Kind::BrokenPipe, 0),
            (Kind::Failed, 1),
            (Kind::Usage, 2),
            (Kind::NotTrusted, 4),
            (Kind::Interrupted(2), 130),
            (Kind::Interrupted(15), 143),
        ];
        for (kind, number) in numbers {
            assert_eq!(kind.number(), number, "{kind:?}");
        }
    }

    #[test]
    fn a_broken_pipe_says_nothing() {
        assert_eq!(printed(&CommandError::new(Kind::BrokenPipe, "x")), "");
    }
}
