use std::ffi::OsString;

use jiff::Timestamp;

use super::args::Paths;
use super::{Interrupt, Printer};

/// What a command gets from outside: where it prints, when it is, who may stop it.
#[derive(Debug)]
pub struct Context {
    /// Where everything is printed.
    pub out: Printer,
    /// When the command was started.
    pub now: Timestamp,
    /// What the environment says.
    pub environment: Environment,
    /// Who runs the command, for event logs.
    pub actor: String,
    /// Where the tools keep their things; the flags decide it.
    pub paths: Paths,
    /// Whether somebody asked it to stop.
    pub interrupt: Interrupt,
}

/// The variables that matter.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `SOURCE_DATE_EPOCH`, as in <https://reproducible-builds.org/specs/source-date-epoch/>.
    pub source_date_epoch: Option<OsString>,
}

impl Context {
    /// The context of this process.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    pub fn of_process() -> std::io::Result<Self> {
        Ok(Self {
            out: Printer::of_process(),
            now: Timestamp::now(),
            environment: Environment {
                source_date_epoch: std::env::var_os("SOURCE_DATE_EPOCH"),
            },
            actor: format!("uid {}", rustix::process::getuid().as_raw()),
            paths: Paths::default(),
            interrupt: Interrupt::listen()?,
        })
    }
}
