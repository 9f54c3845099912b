//! What a manifest says, as a person reads it; the blocks of the original first, in its wording.

use super::error::CommandError;
use super::output::Printer;
use crate::manifest::Dependency;
use crate::service::{PackageDetails, RegionDetails};

/// Width of the labels, which stand to the left.
const LABEL: usize = 16;

/// Prints a line with a label.
pub(super) fn field(out: &mut Printer, label: &str, value: &str) -> Result<(), CommandError> {
    out.line(&format!("{:<LABEL$} {value}", format!("{label}:")))
}

/// Prints one region.
pub(super) fn print_region(region: &RegionDetails, out: &mut Printer) -> Result<(), CommandError> {
    out.line(&format!("== Region {} ==", region.number))?;
    out.line(&format!("Type: {}", region.label))?;
    out.line(&format!("Name: {}", region.name))?;
    out.line(&format!("Hash: {}", region.sha256))?;
    out.line(&format!("Size: {}", region.size))
}

/// Prints everything but the regions.
pub(super) fn print_package(
    package: &PackageDetails,
    out: &mut Printer,
) -> Result<(), CommandError> {
    out.line("== Package Details ==")?;
    let versions = package.source_versions.to_string();
    let rows = [
        ("Type", package.package_type.to_string()),
        ("Name", package.name.clone()),
        ("Version", package.version.to_string()),
        ("Build", package.build.clone()),
        ("Description", package.description.clone()),
        ("Product", package.product.clone()),
        ("Architecture", package.architecture.clone()),
        ("Branch", package.branch.clone()),
        ("Created", package.created.to_string()),
        ("Release Counter", package.release_counter.to_string()),
        (
            "Source Versions",
            if versions == "*" {
                String::new()
            } else {
                versions
            },
        ),
        ("Requires", dependencies(&package.requires)),
        ("Conflicts", dependencies(&package.conflicts)),
        ("Obsoletes", dependencies(&package.obsoletes)),
        ("Restart", package.restart.to_string()),
        (
            "Rollback",
            if package.rollback { "yes" } else { "no" }.to_owned(),
        ),
        ("Services", package.services.join(", ")),
        ("Free Space", unless_zero(package.free_space)),
        ("Minutes", unless_zero(package.minutes.into())),
    ];
    for (label, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        field(out, label, value)?;
    }
    Ok(())
}

fn dependencies(list: &[Dependency]) -> String {
    let texts = list.iter().map(|dependency| {
        let range = Some(&dependency.versions).filter(|versions| !versions.is_any());
        range.map_or_else(
            || dependency.name.clone(),
            |versions| format!("{} ({versions})", dependency.name),
        )
    });
    texts.collect::<Vec<_>>().join(", ")
}

fn unless_zero(number: u64) -> String {
    if number == 0 {
        String::new()
    } else {
        number.to_string()
    }
}
