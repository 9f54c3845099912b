//! The command lines: the only place that prints, reads the clock, the environment or the terminal.
//!
//! # How it is laid out
//!
//! - One command is one file: its arguments, and `run(self, &mut Context) -> Result<Exit, CommandError>`.
//! - Everything a command says goes through [`Printer`], which makes text from packages harmless.
//! - Every way to fail becomes a [`CommandError`], which decides the exit code, the code and the hints.
//! - The commands hold no rules of their own: they ask the library and show its answer.
//!
//! # Exit codes
//!
//! | Code | Meaning |
//! |---|---|
//! | 0 | done; also when the reader of a pipe went away |
//! | 1 | failed or refused |
//! | 2 | the command line is wrong |
//! | 3 | problems found |
//! | 4 | not trusted |
//! | 130 | interrupted (129 when the terminal went away, 143 when asked to terminate) |

mod args;
mod context;
mod details;
mod error;
mod escape;
mod exit;
mod follow;
mod front;
mod generate;
mod interrupt;
mod log;
mod output;
mod pager;
mod progress;
mod prompt;
mod refusals;
mod table;
#[cfg(test)]
mod testing;
mod verdict;

pub mod isi;
pub mod packager;

pub use args::CommonArgs;
pub use context::{Context, Environment};
pub use error::{CommandError, Kind};
pub use exit::Exit;
pub use front::{Front, main, run};
pub use interrupt::Interrupt;
pub use output::{Printer, Terminal, Verbosity};
