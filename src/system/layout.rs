//! The names in a system's directory.

use std::path::{Path, PathBuf};

use super::EnvName;

/// State of the system.
pub(super) const STATE: &str = "system.json";
/// One changer at a time.
pub(super) const LOCK: &str = "lock";
/// The boot environments.
pub(super) const ENVIRONMENTS: &str = "environments";
/// What is known of each environment.
pub(super) const RECORDS: &str = "records";
/// Each image's own version of what is merged.
pub(super) const BASE: &str = "base";
/// Merge results that a person has to look at.
pub(super) const CONFLICTS: &str = "conflicts";
/// The kernels of each environment.
pub(crate) const KERNELS: &str = "kernels";
/// The health checks of each environment.
pub(super) const CHECKS: &str = "checks";
/// What the boot loader reads.
pub(super) const LOADER: &str = "loader";
/// The link to what was selected last.
pub(super) const CURRENT: &str = "current";
/// The journals of upgrades.
pub(crate) const UPGRADE: &str = "upgrade";
/// What is trusted for this system.
pub(super) const TRUST: &str = "trust";

/// The key that the machine signs its own images with.
pub(crate) const LOCAL_KEY: &str = "local-key";

/// Directories that every system has, with their permissions.
///
/// Old environments keep programs with known holes, set-user-ID ones among them: nobody but the owner gets
/// to them.
pub(super) const DIRECTORIES: [(&str, u32); 8] = [
    (ENVIRONMENTS, 0o700),
    (RECORDS, 0o700),
    (BASE, 0o700),
    (CONFLICTS, 0o700),
    (KERNELS, 0o700),
    (CHECKS, 0o700),
    (LOADER, 0o700),
    (UPGRADE, 0o700),
];

/// Directories with one directory for each environment that has something there.
pub(super) const OF_ENVIRONMENTS: [&str; 4] = [KERNELS, BASE, CONFLICTS, CHECKS];

/// What may be in a directory that becomes a system: what an interrupted attempt left, and what was put
/// there for it.
pub(super) fn may_be_there_before(name: &str) -> bool {
    let ours = DIRECTORIES.iter().any(|(directory, _)| *directory == name);
    let hidden = [STATE, TRUST].map(|name| format!(".{name}.new"));
    ours || hidden.iter().any(|hidden| hidden == name)
        || [LOCK, TRUST, "lost+found"].contains(&name)
}

/// Where the record of an environment is.
pub(super) fn record(name: &EnvName) -> PathBuf {
    Path::new(RECORDS).join(format!("{name}.json"))
}

/// Where an environment is.
pub(super) fn environment(name: &EnvName) -> PathBuf {
    Path::new(ENVIRONMENTS).join(name.as_str())
}
