//! Hooks: programs that a package brings to be run while it is installed.
//!
//! # Threats met here
//!
//! - A hook that nobody signed, or that was put beside the package: hooks are regions of a verified,
//!   signed package, and of nothing else.
//! - A hook changes the system that runs, or inherits what the operator has: it runs below the new root
//!   with a fixed environment, see [`crate::fsio::Program`].
//! - A hook hangs or floods: its time and what is kept of its output are bounded.
//! - A hook with a name that this version does not know: refused before anything is done, because nobody
//!   can tell whether the system is whole without it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fsio::{Dir, End, FsError, Program, Ran};
use crate::manifest::{Manifest, RegionKind};
use crate::package::{OpenError, Package, Verified};
use crate::progress::Progress;

/// When hooks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// After the image was unpacked and before anything is carried over into it.
    PreInstall,
    /// When the environment is complete, before it is finished.
    PostInstall,
}

/// A hook as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// When it runs.
    pub phase: Phase,
    /// The name of its region.
    pub name: String,
}

/// What came of a program from a package; for the event log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The name of its region.
    pub name: String,
    /// How it ended, in words.
    pub end: String,
    /// Whether it ended as it should: by itself, with 0.
    pub passed: bool,
    /// What it printed, at most [`OUTPUT_LIMIT`] bytes of it.
    pub output: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What a hook is told, as variables that begin with `ISI_`.
#[derive(Debug, Clone, Copy)]
pub struct HookFacts<'a> {
    /// `ISI_ENVIRONMENT`: the name of the environment it runs in.
    pub environment: &'a str,
    /// `ISI_PACKAGE_ID`: the package that brought it.
    pub package: &'a str,
    /// `ISI_VERSION`: the version that is installed.
    pub version: &'a str,
    /// `ISI_OLD_VERSION`: the version that runs; empty if it is not known.
    pub old_version: &'a str,
}

/// A hook that is refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HookError {
    /// The name says no phase that this version knows.
    #[error(
        "hook {name:?} is not known: expected pre-install or post-install, or one of these with a dot and more behind it"
    )]
    Name {
        /// The name of the region.
        name: String,
    },
    /// Nobody signed the package, so nobody answers for its programs.
    #[error(
        "the package has programs and is not signed: they run only if somebody answers for them"
    )]
    Unsigned,
    /// A hook is larger than a program may be.
    #[error("hook {name:?} has {found} bytes: expected at most {limit}")]
    TooLarge {
        /// The name of the region.
        name: String,
        /// Its length in bytes.
        found: u64,
        /// The largest that is allowed.
        limit: u64,
    },
    /// There are more health checks than a package may have.
    #[error("{found} health checks: expected at most {limit}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The region cannot be read.
    #[error("cannot read hook {name:?}")]
    Read {
        /// The name of the region.
        name: String,
        /// Why.
        source: OpenError,
    },
    /// It could not be run at all.
    #[error("hook {name:?} cannot be run")]
    Start {
        /// The name of the region.
        name: String,
        /// Why.
        source: FsError,
    },
    /// It ran and did not succeed.
    #[error("hook {:?} failed: {}", report.name, report.end)]
    Failed {
        /// What came of it.
        report: Box<Report>,
    },
    /// It was ended at its time limit.
    #[error("hook {:?} was ended: {}", report.name, report.end)]
    TimeLimit {
        /// What came of it.
        report: Box<Report>,
    },
    /// The caller wanted the work to stop.
    #[error("stopped on request")]
    Cancelled,
}

/// Most bytes of a program in a package: scripts and small binaries.
pub const MAX_PROGRAM: u64 = 16 << 20;
/// How many bytes are kept of what a program prints.
pub const OUTPUT_LIMIT: usize = 16 << 10;

impl Phase {
    /// Every phase, in their order.
    pub const ALL: [Self; 2] = [Self::PreInstall, Self::PostInstall];

    /// The word used in names of regions, in flags and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
        }
    }

    /// The phase that the name of a region says: its word, alone or with a dot and more behind it.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| {
            let rest = name.strip_prefix(phase.name());
            rest.is_some_and(|rest| rest.is_empty() || (rest.len() > 1 && rest.starts_with('.')))
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The hooks that a package has, by phase and then by name, which is the order they run in.
///
/// Reads the manifest only, so that a refusal comes before anything is done.
pub fn hooks(manifest: &Manifest, signed: bool) -> Result<Vec<Hook>, HookError> {
    let mut hooks = Vec::new();
    for region in &manifest.regions {
        if region.kind != RegionKind::Hook {
            continue;
        }
        let name = region.name.clone();
        if region.size > MAX_PROGRAM {
            return Err(HookError::TooLarge {
                name,
                found: region.size,
                limit: MAX_PROGRAM,
            });
        }
        let phase = Phase::of(&name).ok_or_else(|| HookError::Name { name: name.clone() })?;
        hooks.push(Hook { phase, name });
    }
    if !hooks.is_empty() && !signed {
        return Err(HookError::Unsigned);
    }
    hooks.sort_by(|one, other| (one.phase, &one.name).cmp(&(other.phase, &other.name)));
    Ok(hooks)
}

/// Runs the hooks of one phase below `root`, one after another; the first that fails is the last.
///
/// `told` hears of each that ended, however it did.
pub fn run_hooks(
    package: &Package<Verified>,
    phase: Phase,
    root: &Dir,
    facts: &HookFacts<'_>,
    time_limit: Duration,
    progress: &dyn Progress,
    told: &mut dyn FnMut(&Report),
) -> Result<(), HookError> {
    let hooks = hooks(package.manifest(), package.is_signed())?;
    for Hook { name, .. } in hooks.into_iter().filter(|hook| hook.phase == phase) {
        let content = read(package, &name)?;
        let variables = [
            ("ISI_HOOK", phase.name()),
            ("ISI_ENVIRONMENT", facts.environment),
            ("ISI_PACKAGE_ID", facts.package),
            ("ISI_VERSION", facts.version),
            ("ISI_OLD_VERSION", facts.old_version),
        ];
        let program = Program {
            name: &name,
            content: &content,
            variables: &variables,
            root: Some(root),
            time_limit,
            output_limit: OUTPUT_LIMIT,
        };
        let ran = program.run(progress);
        let ran = ran.map_err(|source| HookError::Start {
            name: name.clone(),
            source,
        })?;
        let report = Report::of(name, &ran);
        told(&report);
        let report = Box::new(report);
        match ran.end {
            End::Exited(0) => {}
            End::Exited(_) | End::Signal(_) => return Err(HookError::Failed { report }),
            End::TimeLimit => return Err(HookError::TimeLimit { report }),
            End::Cancelled => return Err(HookError::Cancelled),
        }
    }
    Ok(())
}

impl Report {
    /// What is told of a program that ran.
    pub fn of(name: String, ran: &Ran) -> Self {
        Self {
            name,
            end: match ran.end {
                End::Exited(status) => format!("it ended with status {status}"),
                End::Signal(signal) => format!("signal {signal} ended it"),
                End::TimeLimit => format!("it took longer than {} s", ran.took.as_secs()),
                End::Cancelled => "stopped on request".to_owned(),
            },
            passed: ran.end == End::Exited(0),
            output: ran.output.text(),
            took_ms: u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl HookError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "E_HOOK_NAME",
            Self::Unsigned => "E_HOOK_UNSIGNED",
            Self::TooLarge { .. } => "E_TOO_LARGE",
            Self::TooMany { .. } => "E_TOO_MANY",
            Self::Read { source, .. } => source.code(),
            Self::Start { .. } => "E_HOOK_START",
            Self::Failed { .. } => "E_HOOK_FAILED",
            Self::TimeLimit { .. } => "E_HOOK_TIME_LIMIT",
            Self::Cancelled => "E_CANCELLED",
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        if let Self::Start { source, .. } = self
            && let Some(hint) = source.hint()
        {
            return Some(hint);
        }
        let hint = match self {
            Self::Name { .. } => "a newer version of this program may know it",
            Self::Unsigned => "have the package signed by somebody who may sign it",
            Self::Start { .. } => {
                "it needs root's rights, and an interpreter and libraries that the image has"
            }
            Self::Failed { .. } | Self::TimeLimit { .. } => {
                "`isi upgrade history` has what it printed; nothing of the running system was changed"
            }
            Self::TooLarge { .. } | Self::TooMany { .. } | Self::Read { .. } | Self::Cancelled => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

/// The bytes of a program, compared with their digest once more.
fn read(package: &Package<Verified>, name: &str) -> Result<Vec<u8>, HookError> {
    let regions = &package.manifest().regions;
    let found = regions
        .iter()
        .position(|region| region.kind == RegionKind::Hook && region.name == name)
        .and_then(|index| package.region(index));
    let Some((region, extent)) = found else {
        return Err(HookError::Name {
            name: name.to_owned(),
        });
    };
    let read = package.read_region(region, extent);
    read.map_err(|source| HookError::Read {
        name: name.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_phase_or_is_refused() {
        for (name, phase) in [
            ("pre-install", Some(Phase::PreInstall)),
            ("post-install", Some(Phase::PostInstall)),
            ("pre-install.10-database", Some(Phase::PreInstall)),
            ("pre-install.", None),
            ("pre-installation", None),
            ("Pre-Install", None),
            ("install", None),
            ("", None),
        ] {
            assert_eq!(Phase::of(name), phase, "{name}");
        }
    }
}
