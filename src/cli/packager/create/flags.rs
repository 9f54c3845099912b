use std::path::PathBuf;

use jiff::Timestamp;

use super::description::{Description, RegionSource};
use super::region::parse_region;
use crate::cli::args::parse_time;
use crate::manifest::{Dependency, Restart};
use crate::release::{PackageType, Version, VersionRange};

/// What the package says of itself; each flag wins over package.toml.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Metadata options")]
pub(super) struct MetadataArgs {
    /// Kind of package: onefs, patch, firmware, dsp or generic
    #[arg(long = "type", value_name = "TYPE")]
    package_type: Option<PackageType>,

    /// Name of the package
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Version: 1 to 8 numbers, such as 9.4.0.0 or 1.2-rc.1
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,

    /// Build label
    #[arg(long, value_name = "TEXT")]
    build: Option<String>,

    /// One line for listings
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Product it is for; without it any
    #[arg(long, value_name = "TEXT")]
    product: Option<String>,

    /// Machine architecture it is for; without it any
    #[arg(long, value_name = "TEXT")]
    architecture: Option<String>,

    /// Source branch it was built from
    #[arg(long, value_name = "TEXT")]
    branch: Option<String>,

    #[arg(
        long,
        value_name = "TIME",
        value_parser = parse_time,
        help = "Creation time (RFC 3339) [default: SOURCE_DATE_EPOCH, else the payload's newest]"
    )]
    created: Option<Timestamp>,

    /// Counts releases, so that a machine does not go back
    #[arg(long, value_name = "N")]
    release_counter: Option<u64>,

    /// Installed versions it may replace, such as '>=9.4.0, <10'
    #[arg(long, value_name = "VERSIONS")]
    source_versions: Option<VersionRange>,

    /// Package that must be installed: NAME, or 'NAME VERSIONS'; may be repeated
    #[arg(long, value_name = "PACKAGE", value_parser = parse_dependency)]
    requires: Vec<Dependency>,

    /// Package that must not be installed; may be repeated
    #[arg(long, value_name = "PACKAGE", value_parser = parse_dependency)]
    conflicts: Vec<Dependency>,

    /// Package that this one makes needless; may be repeated
    #[arg(long, value_name = "PACKAGE", value_parser = parse_dependency)]
    obsoletes: Vec<Dependency>,

    /// What must be restarted: none, service or reboot [default: reboot for an image, else none]
    #[arg(long, value_name = "WHAT", value_parser = parse_restart)]
    restart: Option<Restart>,

    /// Whether the installation can be undone [default: true for an image, else false]
    #[arg(long, value_name = "BOOL")]
    rollback: Option<bool>,

    /// Services that are interrupted
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    services: Vec<String>,

    /// Free space that the installation needs, in bytes
    #[arg(long, value_name = "BYTES")]
    free_space: Option<u64>,

    /// Estimated duration of the installation
    #[arg(long, value_name = "N")]
    minutes: Option<u32>,

    /// Text for people, UTF-8, at most 1 MiB
    #[arg(long, value_name = "FILE")]
    readme: Option<PathBuf>,

    /// Further region, from a file; may be repeated
    #[arg(long = "region", value_parser = parse_region)]
    #[arg(value_name = "kind=KIND,file=FILE[,name=NAME][,media-type=TYPE]")]
    regions: Vec<RegionSource>,
}

impl MetadataArgs {
    /// What the flags say.
    pub(super) fn into_description(self) -> Description {
        let given = |list: Vec<Dependency>| (!list.is_empty()).then_some(list);
        Description {
            package_type: self.package_type,
            name: self.name,
            version: self.version,
            build: self.build,
            description: self.description,
            product: self.product,
            architecture: self.architecture,
            branch: self.branch,
            created: self.created,
            release_counter: self.release_counter,
            source_versions: self.source_versions,
            requires: given(self.requires),
            conflicts: given(self.conflicts),
            obsoletes: given(self.obsoletes),
            restart: self.restart,
            rollback: self.rollback,
            services: (!self.services.is_empty()).then_some(self.services),
            free_space: self.free_space,
            minutes: self.minutes,
            readme: self.readme,
            regions: self.regions,
            ..Description::default()
        }
    }
}

fn parse_dependency(text: &str) -> Result<Dependency, String> {
    let (name, versions) = text.split_once(' ').unwrap_or((text, "*"));
    let versions = versions
        .parse()
        .map_err(|error: crate::release::RangeError| error.to_string())?;
    Ok(Dependency {
        name: name.to_owned(),
        versions,
    })
}

fn parse_restart(text: &str) -> Result<Restart, String> {
    Restart::ALL
        .into_iter()
        .find(|restart| restart.name() == text)
        .ok_or_else(|| "expected none, service or reboot".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_a_name_and_versions() {
        let dependency = parse_dependency("base >=9.4, <10").unwrap();
        assert_eq!(dependency.name, "base");
        assert_eq!(dependency.versions.to_string(), ">=9.4, <10");
        assert!(parse_dependency("base").unwrap().versions.is_any());
        assert!(parse_dependency("base 9.4").is_err());
    }

    #[test]
    fn a_restart_is_one_of_three() {
        assert_eq!(parse_restart("reboot"), Ok(Restart::Reboot));
        assert!(parse_restart("Reboot").is_err());
    }
}
