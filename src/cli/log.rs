//! What the library notes while it works, for the person at the terminal.

use std::fmt;
use std::io;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::output::Talk;

/// How much of it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Log {
    /// Nothing.
    Nothing,
    /// What went wrong beside the work, as warnings.
    Warnings,
    /// Also what the work is done with.
    Notes,
    /// Everything, that of the crates inside, too.
    Everything,
}

/// Where our own notes come from.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// Shows as much on `talk` as `log` says, from now on and for the whole process.
pub(super) fn show(log: Log, talk: Talk) {
    let targets = Targets::new();
    let wanted = match log {
        Log::Nothing => targets.with_default(LevelFilter::OFF),
        Log::Warnings => targets.with_target(OURS, Level::WARN),
        Log::Notes => targets.with_target(OURS, Level::INFO),
        Log::Everything => targets.with_default(Level::DEBUG),
    };
    // Whoever uses the library in a process with a log of its own keeps that.
    let log = tracing_subscriber::registry().with(wanted);
    log.with(lines(talk)).try_init().unwrap_or_default();
}

/// Says each event on `talk`.
fn lines<S>(talk: Talk) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(Line)
        .with_writer(talk)
}

/// An event as one line, in the words of the tools.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        match *about.level() {
            Level::ERROR | Level::WARN => writer.write_str("warning: ")?,
            Level::INFO => {}
            _ => write!(writer, "{}: ", about.target())?,
        }
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

impl<'a> MakeWriter<'a> for Talk {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Each write is one event.
impl io::Write for Talk {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.say(String::from_utf8_lossy(line).trim_end_matches('\n'));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::Captured;

    #[test]
    fn an_event_is_one_harmless_line() {
        let (captured, printer) = Captured::plain();
        let log = tracing_subscriber::registry().with(lines(printer.talk()));
        tracing::subscriber::with_default(log, || {
            tracing::warn!(code = "E_IO", "not\n\u{1b}[31mdone");
            tracing::info!("catalog: {}", "a\nb");
            tracing::debug!("more");
        });
        let expected = "warning: not\\n\\x1b[31mdone code=\"E_IO\"\n\
                        catalog: a\\nb\n\
                        isi_catalog::cli::log::tests: more\n";
        assert_eq!(captured.stderr(), expected);
    }
}
