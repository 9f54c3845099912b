use std::path::PathBuf;

use serde::Serialize;

use super::Target;
use crate::digest::PackageId;
use crate::system::EnvName;
use crate::system::installed::{Class, Depth, FixOptions, Left, Report};

/// A comparison of what is installed with what was signed.
#[derive(Debug, Clone)]
pub struct VerifyInstalledRequest {
    /// Which system.
    pub target: Target,
    /// Which of its environments; the one that runs where none is named.
    pub environment: Option<EnvName>,
    /// How far.
    pub depth: Depth,
    /// Which paths, and what is below them; all where none are named.
    pub paths: Vec<PathBuf>,
    /// Directories where extra files are looked for; those of the image where none are named.
    pub extra: Vec<PathBuf>,
    /// What to repair, if anything.
    pub fix: Option<FixOptions>,
    /// Whether a repair is only planned.
    pub dry_run: bool,
}

/// What a comparison came to, and a repair if one was asked for.
///
/// The findings came as [`InstalledFound`](crate::service::Event::InstalledFound), the steps as
/// [`FixPlanned`](crate::service::Event::FixPlanned) and [`FixDone`](crate::service::Event::FixDone).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyInstalledReply {
    /// Version of this structure.
    pub schema: u32,
    /// The environment.
    pub environment: EnvName,
    /// The package that it was made from.
    pub package: PackageId,
    /// Entries of the table that were compared.
    pub compared: u64,
    /// Bytes of contents that were read.
    pub bytes: u64,
    /// How many paths are not as they were signed.
    pub damaged: u64,
    /// How many belong to the machine and differ from the image, carried ones among them.
    pub local: u64,
    /// How many are not in the image.
    pub extra: u64,
    /// How many could not be seen, because something is mounted over them.
    pub hidden: u64,
    /// How many steps a repair has.
    pub planned: u64,
    /// How many bytes it writes.
    pub planned_bytes: u64,
    /// How many steps were done.
    pub done: u64,
    /// What a repair leaves as it is although it is wrong.
    pub left: Vec<Left>,
    /// How many paths are not as they were signed now.
    pub problems: u64,
}

impl VerifyInstalledReply {
    /// What a comparison alone comes to.
    pub fn of(environment: EnvName, package: PackageId, report: &Report) -> Self {
        Self {
            schema: super::SCHEMA,
            environment,
            package,
            compared: report.compared,
            bytes: report.bytes,
            damaged: report.problems(),
            local: report.count(Class::Local) + report.count(Class::Carried),
            extra: report.count(Class::Extra),
            hidden: report.count(Class::Hidden),
            planned: 0,
            planned_bytes: 0,
            done: 0,
            left: Vec::new(),
            problems: report.problems(),
        }
    }
}
