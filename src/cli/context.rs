use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::{CommandError, Interrupt, Printer};
use crate::fsio;
use crate::service::config::{Given, Settings, parse_duration};
use crate::system::{EnvName, WhichKernel};

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
    /// What the flags say of the place that the tools work on.
    pub flags: Given,
    /// Whether somebody asked it to stop.
    pub interrupt: Interrupt,
}

/// The variables that matter.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `SOURCE_DATE_EPOCH`, as in <https://reproducible-builds.org/specs/source-date-epoch/>.
    pub source_date_epoch: Option<OsString>,
    /// `ISI_HOME`: everything is below this directory.
    pub home: Option<OsString>,
    /// `ISI_CONFIG`: the configuration file.
    pub config: Option<OsString>,
    /// `ISI_CATALOG`: the catalog directory.
    pub catalog: Option<OsString>,
    /// `ISI_TRUST`: the directory of trust.
    pub trust: Option<OsString>,
    /// `ISI_SYSTEM`: the directory of the machine's own system.
    pub system: Option<OsString>,
    /// `ISI_BOOTED`: the boot environment that runs, or else what the kernel was told.
    pub booted: Option<OsString>,
    /// `ISI_LOCK_TIMEOUT`: longest wait for others.
    pub lock_timeout: Option<OsString>,
    /// `ISI_HOOK_TIMEOUT`: how long each hook of an image may take.
    pub hook_timeout: Option<OsString>,
    /// `ISI_HEALTH_TIMEOUT`: how long each health check of an image may take.
    pub health_timeout: Option<OsString>,
    /// `ISI_PAGER`, or else `PAGER`: what shows long texts.
    pub pager: Option<String>,
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
            environment: Environment::of_process(),
            actor: format!("uid {}", rustix::process::getuid().as_raw()),
            flags: Given::default(),
            interrupt: Interrupt::listen()?,
        })
    }

    /// Everything that is configured; reads the configuration.
    pub(super) fn settings(&self) -> Result<Settings, CommandError> {
        self.settings_under(&self.flags)
    }

    /// The boot environment that this machine runs, if it was told which.
    ///
    /// `ISI_BOOTED` says it where the kernel's command line cannot, as in a container; else the last
    /// `isi.env=` of that line does.
    pub(super) fn booted(&self) -> Result<Option<EnvName>, CommandError> {
        if let Some(value) = &self.environment.booted {
            let name = value.to_str().unwrap_or_default();
            let name = name.parse::<EnvName>();
            return name.map(Some).map_err(|_| {
                wrong(
                    "ISI_BOOTED",
                    value,
                    "expected the name of a boot environment",
                )
            });
        }
        Ok(booted(&command_line()))
    }

    /// Which of the kernels of that environment runs: the old one, if the kernel's command line says so.
    pub(super) fn booted_kernel(&self) -> WhichKernel {
        match &self.environment.booted {
            // What runs in a container has the kernel of its host, whatever that was told.
            Some(_) => WhichKernel::Own,
            None => WhichKernel::of(&command_line()),
        }
    }

    /// As [`Context::settings`], with these flags.
    pub(super) fn settings_under(&self, flags: &Given) -> Result<Settings, CommandError> {
        Ok(Settings::resolve(flags, &self.environment.given()?)?)
    }
}

impl Environment {
    fn of_process() -> Self {
        let variable = std::env::var_os;
        Self {
            source_date_epoch: variable("SOURCE_DATE_EPOCH"),
            home: variable("ISI_HOME"),
            config: variable("ISI_CONFIG"),
            catalog: variable("ISI_CATALOG"),
            trust: variable("ISI_TRUST"),
            system: variable("ISI_SYSTEM"),
            booted: variable("ISI_BOOTED"),
            lock_timeout: variable("ISI_LOCK_TIMEOUT"),
            hook_timeout: variable("ISI_HOOK_TIMEOUT"),
            health_timeout: variable("ISI_HEALTH_TIMEOUT"),
            pager: (["ISI_PAGER", "PAGER"].into_iter()).find_map(|name| std::env::var(name).ok()),
        }
    }

    /// What the variables say of the place that the tools work on.
    ///
    /// One that is set to nothing is refused: it was meant to say something.
    fn given(&self) -> Result<Given, CommandError> {
        Ok(Given {
            home: path("ISI_HOME", self.home.as_deref())?,
            config: path("ISI_CONFIG", self.config.as_deref())?,
            catalog: path("ISI_CATALOG", self.catalog.as_deref())?,
            trust: path("ISI_TRUST", self.trust.as_deref())?,
            system: path("ISI_SYSTEM", self.system.as_deref())?,
            lock_timeout: duration("ISI_LOCK_TIMEOUT", self.lock_timeout.as_deref())?,
            hook_timeout: limit("ISI_HOOK_TIMEOUT", self.hook_timeout.as_deref())?,
            health_timeout: limit("ISI_HEALTH_TIMEOUT", self.health_timeout.as_deref())?,
        })
    }
}

/// What the kernel says it was told.
const COMMAND_LINE: &str = "/proc/cmdline";
/// Most bytes of it that are read.
const COMMAND_LINE_LIMIT: u64 = 64 << 10;

/// What the kernel was told; where there is no such file, nothing.
fn command_line() -> String {
    let line = fsio::read_bounded(Path::new(COMMAND_LINE), COMMAND_LINE_LIMIT);
    String::from_utf8_lossy(&line.unwrap_or_default()).into_owned()
}

/// The environment that a kernel's command line names.
fn booted(line: &str) -> Option<EnvName> {
    let words = line.split_whitespace().rev();
    let mut names = words.filter_map(|word| word.strip_prefix("isi.env="));
    names.next()?.parse().ok()
}

fn path(name: &str, value: Option<&OsStr>) -> Result<Option<PathBuf>, CommandError> {
    match value {
        Some(value) if value.is_empty() => Err(wrong(name, value, "expected a path")),
        value => Ok(value.map(PathBuf::from)),
    }
}

fn duration(name: &str, value: Option<&OsStr>) -> Result<Option<Duration>, CommandError> {
    let parse = |value: &OsStr| {
        let text = value.to_str().unwrap_or_default();
        parse_duration(text).map_err(|error| wrong(name, value, &error.to_string()))
    };
    value.map(parse).transpose()
}

/// A duration in which something has to end.
fn limit(name: &str, value: Option<&OsStr>) -> Result<Option<Duration>, CommandError> {
    match (duration(name, value)?, value) {
        (Some(Duration::ZERO), Some(value)) => Err(wrong(
            name,
            value,
            "no program ends in no time: expected more",
        )),
        (limit, _) => Ok(limit),
    }
}

fn wrong(name: &str, value: &OsStr, expected: &str) -> CommandError {
    let value = value.to_string_lossy();
    CommandError::usage(format!("{name} is {value:?}: {expected}")).hint(format!("unset {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_paths_and_a_duration() {
        let environment = Environment {
            home: Some("h".into()),
            lock_timeout: Some("2m".into()),
            hook_timeout: Some("1h".into()),
            health_timeout: Some("5s".into()),
            ..Environment::default()
        };
        let given = environment.given().unwrap();
        assert_eq!(given.home, Some("h".into()));
        assert_eq!(given.lock_timeout.unwrap().as_secs(), 120);
        let limits = [given.hook_timeout, given.health_timeout];
        let seconds = limits.map(|limit| limit.unwrap().as_secs());
        assert_eq!(seconds, [3600, 5]);
        assert_eq!(Environment::default().given().unwrap(), Given::default());
    }

    #[test]
    fn the_kernel_says_what_was_booted() {
        for (line, expected) in [
            ("quiet isi.env=a root=/dev/vda\n", Some("a")),
            ("isi.env=a isi.env=b", Some("b")),
            ("isi.env=../x", None),
            ("noisi.env=a", None),
            ("", None),
        ] {
            assert_eq!(booted(line).map(String::from), expected.map(String::from));
        }
    }

    #[test]
    fn a_variable_that_says_nothing_is_refused() {
        let empty = || Some(OsString::new());
        for environment in [
            Environment {
                home: empty(),
                ..Environment::default()
            },
            Environment {
                config: empty(),
                ..Environment::default()
            },
            Environment {
                catalog: empty(),
                ..Environment::default()
            },
            Environment {
                trust: empty(),
                ..Environment::default()
            },
            Environment {
                system: empty(),
                ..Environment::default()
            },
            Environment {
                lock_timeout: empty(),
                ..Environment::default()
            },
            Environment {
                lock_timeout: Some("soon".into()),
                ..Environment::default()
            },
            Environment {
                hook_timeout: empty(),
                ..Environment::default()
            },
            Environment {
                hook_timeout: Some("0".into()),
                ..Environment::default()
            },
            Environment {
                health_timeout: Some("0s".into()),
                ..Environment::default()
            },
        ] {
            assert_eq!(
                environment.given().unwrap_err().kind().number(),
                2,
                "{environment:?}"
            );
        }
    }
}
