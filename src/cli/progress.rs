use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt::Interrupt;
use super::output::{Printer, Talk, Verbosity};
use crate::progress::{Holder, Progress};
use crate::service::{Event, Observer};

/// Shows long work as a bar on a terminal, shows nothing elsewhere, and stops it on a signal.
#[derive(Debug)]
pub(super) struct Bar {
    inner: ProgressBar,
    begun: AtomicBool,
    interrupt: Interrupt,
    /// Where notes go, if they are wanted.
    notes: Option<Talk>,
}

/// What a step with a known size shows: name, bar, bytes, rate, time left.
const SIZED: &str = "{msg:>12} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
/// What a step of unknown size shows.
const UNSIZED: &str = "{msg:>12} {spinner} {bytes} {bytes_per_sec}";

impl Bar {
    /// A bar on the error stream of `out`, if a person reads that and wants to.
    pub(super) fn new(out: &Printer, interrupt: &Interrupt) -> Self {
        let visible = out.terminal().error && out.verbosity() > Verbosity::Quiet;
        let target = if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            inner: ProgressBar::with_draw_target(None, target),
            begun: AtomicBool::new(false),
            interrupt: interrupt.clone(),
            notes: (out.verbosity() > Verbosity::Quiet).then(|| out.talk()),
        }
    }

    /// Says something beside the bar, on a pipe too.
    fn note(&self, text: &str) {
        if let Some(notes) = &self.notes {
            self.aside(|| notes.say(text));
        }
    }
}

/// For whom the work stands still, and how long at most.
fn waiting(holder: Holder, at_most_ms: u64) -> String {
    let seconds = at_most_ms.div_ceil(1000);
    let whom = match holder {
        Holder::Writer { .. } => format!("{holder}, which is changing the catalog"),
        Holder::Readers => format!("{holder} of the catalog"),
    };
    format!("waiting for {whom} (at most {seconds} s more)")
}

impl Bar {
    /// Does something that prints, with the bar out of its way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        if self.inner.is_hidden() || !self.begun.load(Ordering::Relaxed) {
            print()
        } else {
            self.inner.suspend(print)
        }
    }
}

impl Progress for Bar {
    fn begin(&self, name: &str, total: u64) {
        self.begun.store(true, Ordering::Relaxed);
        let template = if total == 0 { UNSIZED } else { SIZED };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        self.inner.set_style(style);
        self.inner.reset();
        match total {
            0 => self.inner.unset_length(),
            total => self.inner.set_length(total),
        }
        self.inner.set_message(name.to_owned());
        if !self.inner.is_hidden() {
            self.inner.enable_steady_tick(Duration::from_millis(200));
        }
    }

    fn advance(&self, bytes: u64) {
        self.inner.inc(bytes);
    }

    fn cancelled(&self) -> bool {
        self.interrupt.raised()
    }
}

impl Observer for Bar {
    fn event(&self, event: &Event<'_>) {
        if let Event::Waiting { holder, at_most_ms } = event {
            self.note(&waiting(*holder, *at_most_ms));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.inner.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Terminal;
    use crate::cli::testing::Captured;

    #[test]
    fn is_seen_on_a_terminal_only_and_not_when_quiet() {
        let interrupt = Interrupt::default();
        let (_, pipe) = Captured::plain();
        assert!(Bar::new(&pipe, &interrupt).inner.is_hidden());
        let terminal = Terminal {
            error: true,
            ..Terminal::default()
        };
        let (_, mut person) = Captured::on(terminal);
        person.set_verbosity(Verbosity::Quiet);
        assert!(Bar::new(&person, &interrupt).inner.is_hidden());
    }

    #[test]
    fn stops_the_work_when_a_signal_came() {
        let interrupt = Interrupt::default();
        let (_, printer) = Captured::plain();
        let bar = Bar::new(&printer, &interrupt);
        assert!(!bar.cancelled());
        interrupt.raise();
        assert!(bar.cancelled());
    }

    #[test]
    fn a_wait_is_said_on_a_pipe_too_unless_it_should_be_quiet() {
        let wait = Event::Waiting {
            holder: Holder::Writer { process: Some(7) },
            at_most_ms: 28_999,
        };
        for (verbosity, said) in [
            (
                Verbosity::Normal,
                "waiting for process 7, which is changing the catalog (at most 29 s more)\n",
            ),
            (Verbosity::Quiet, ""),
        ] {
            let (captured, mut printer) = Captured::plain();
            printer.set_verbosity(verbosity);
            Bar::new(&printer, &Interrupt::default()).event(&wait);
            assert_eq!(captured.stderr(), said);
            assert_eq!(captured.stdout(), "");
        }
        let readers = waiting(Holder::Readers, 1);
        let expected = "waiting for other readers of the catalog (at most 1 s more)";
        assert_eq!(readers, expected);
    }

    #[test]
    fn both_templates_are_well_formed() {
        for template in [SIZED, UNSIZED] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
