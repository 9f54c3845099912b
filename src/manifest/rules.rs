use super::error::{ManifestError, ManifestErrorKind};
use super::tags::{self, Tag};
use super::text::{self, TextError};
use super::{Dependency, Manifest, Region, RegionKind, UnknownField};
use crate::limits::{CHUNK_SIZE, MAX_LATER_REGION, MAX_LIST, MAX_README, MAX_REGIONS};

/// Checks what a manifest must keep beyond the form of its fields; for both directions.
pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    texts(manifest)?;
    if manifest.created.as_second() < 0 || manifest.created.subsec_nanosecond() != 0 {
        let found = u64::from(manifest.created.subsec_nanosecond().unsigned_abs());
        return Err(ManifestErrorKind::Value { found }.at(0, tags::CREATED.name));
    }
    unknown(&manifest.unknown, &tags::MANIFEST)?;
    regions(&manifest.regions)
}

fn texts(manifest: &Manifest) -> Result<(), ManifestError> {
    expect(&manifest.name, tags::NAME, text::name)?;
    for (value, tag) in [
        (&manifest.build, tags::BUILD),
        (&manifest.description, tags::DESCRIPTION),
        (&manifest.product, tags::PRODUCT),
        (&manifest.architecture, tags::ARCHITECTURE),
        (&manifest.branch, tags::BRANCH),
    ] {
        if !value.is_empty() {
            expect(value, tag, text::line)?;
        }
    }
    at_most(MAX_LIST, manifest.services.len(), tags::SERVICES)?;
    for service in &manifest.services {
        expect(service, tags::SERVICES, text::name)?;
    }
    dependencies(&manifest.requires, tags::REQUIRES)?;
    dependencies(&manifest.conflicts, tags::CONFLICTS)?;
    dependencies(&manifest.obsoletes, tags::OBSOLETES)
}

fn dependencies(dependencies: &[Dependency], tag: Tag) -> Result<(), ManifestError> {
    at_most(MAX_LIST, dependencies.len(), tag)?;
    dependencies
        .iter()
        .try_for_each(|dependency| expect(&dependency.name, tag, text::name))
}

fn regions(regions: &[Region]) -> Result<(), ManifestError> {
    let fail = |rule| Err(ManifestErrorKind::Regions(rule).at(0, tags::REGIONS.name));
    at_most(MAX_REGIONS, regions.len(), tags::REGIONS)?;
    if regions.first().map(|region| region.kind) != Some(RegionKind::Payload) {
        return fail("the first region must be the payload");
    }
    for (index, region) in regions.iter().enumerate() {
        one_region(region, index)?;
        let earlier = regions.get(..index).unwrap_or_default();
        if region.kind.is_single() && earlier.iter().any(|other| other.kind == region.kind) {
            return fail("more than one region of a kind that may stand only once");
        }
        if region.kind == RegionKind::Readme && index != 1 {
            return fail("the README must be the second region");
        }
    }
    let mut names: Vec<_> = regions.iter().map(|region| &region.name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return fail("two regions have the same name");
    }
    let has = |kind| regions.iter().any(|region| region.kind == kind);
    if has(RegionKind::FileTable) != has(RegionKind::PayloadIndex) {
        return fail("a file table and a payload index stand together or not at all");
    }
    Ok(())
}

fn one_region(region: &Region, index: usize) -> Result<(), ManifestError> {
    expect(&region.name, tags::REGION_NAME, text::name)?;
    if !region.media_type.is_empty() {
        expect(&region.media_type, tags::REGION_MEDIA_TYPE, text::line)?;
    }
    unknown(&region.unknown, &tags::REGION)?;
    let max = match (index, region.kind) {
        (0, _) => u64::MAX,
        (_, RegionKind::Readme) => MAX_README,
        _ => MAX_LATER_REGION,
    };
    if region.size > max {
        let kind = ManifestErrorKind::TooMany {
            max,
            found: region.size,
        };
        return Err(kind.at(0, tags::REGION_SIZE.name));
    }
    let expected = region.size.div_ceil(CHUNK_SIZE);
    let found = u64::try_from(region.chunks.len()).unwrap_or(u64::MAX);
    if expected != found {
        let kind = ManifestErrorKind::Chunks { expected, found };
        return Err(kind.at(0, tags::REGION_CHUNKS.name));
    }
    Ok(())
}

/// Unknown fields ascend, and none is in fact known.
fn unknown(fields: &[UnknownField], known: &[Tag]) -> Result<(), ManifestError> {
    let mut previous = 0;
    for field in fields {
        let is_known = known.iter().any(|tag| tag.number == field.number);
        if field.number <= previous || field.number >= tags::CRITICAL || is_known {
            let kind = ManifestErrorKind::Order {
                previous,
                found: field.number,
            };
            return Err(kind.at(0, "unknown field"));
        }
        previous = field.number;
    }
    Ok(())
}

fn expect(
    value: &str,
    tag: Tag,
    check: fn(&[u8]) -> Result<&str, TextError>,
) -> Result<(), ManifestError> {
    check(value.as_bytes())
        .map(drop)
        .map_err(|error| ManifestErrorKind::Text(error).at(0, tag.name))
}

fn at_most(max: usize, found: usize, tag: Tag) -> Result<(), ManifestError> {
    if found <= max {
        return Ok(());
    }
    let [max, found] = [max, found].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
    Err(ManifestErrorKind::TooMany { max, found }.at(0, tag.name))
}
