use jiff::Timestamp;

use super::error::{ManifestError, ManifestErrorKind};
use super::tags::{self, Tag};
use super::text::{self, TextError};
use super::tlv::{Block, BlockWriter, Span, list};
use super::{Dependency, Manifest, Region, RegionKind, Restart, rules};
use crate::digest::Sha256Digest;
use crate::limits;
use crate::release::{PackageType, VersionRange};

/// Decodes the manifest of a package.
///
/// Call it on authenticated bytes, or say plainly that nobody vouches for the result.
pub fn decode(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let block = Block::parse(Span { bytes, offset: 0 }, &tags::MANIFEST)?;
    let [read_low, read_high, write_low, write_high] =
        block.require(tags::FORMAT)?.array(tags::FORMAT.name)?;
    let manifest = Manifest {
        read_version: u16::from_le_bytes([read_low, read_high]),
        write_version: u16::from_le_bytes([write_low, write_high]),
        package_type: package_type(block.require(tags::TYPE)?)?,
        name: name(block.require(tags::NAME)?, tags::NAME)?,
        version: parsed(
            block.require(tags::VERSION)?,
            tags::VERSION,
            ManifestErrorKind::Version,
        )?,
        build: optional_line(&block, tags::BUILD)?,
        description: optional_line(&block, tags::DESCRIPTION)?,
        product: optional_line(&block, tags::PRODUCT)?,
        architecture: optional_line(&block, tags::ARCHITECTURE)?,
        branch: optional_line(&block, tags::BRANCH)?,
        created: timestamp(block.require(tags::CREATED)?)?,
        release_counter: optional_number::<8>(&block, tags::RELEASE_COUNTER)?,
        source_versions: optional_range(&block, tags::SOURCE_VERSIONS)?,
        requires: dependencies(&block, tags::REQUIRES)?,
        conflicts: dependencies(&block, tags::CONFLICTS)?,
        obsoletes: dependencies(&block, tags::OBSOLETES)?,
        restart: coded(block.require(tags::RESTART)?, tags::RESTART, &Restart::ALL)?,
        rollback: coded(
            block.require(tags::ROLLBACK)?,
            tags::ROLLBACK,
            &[false, true],
        )?,
        services: services(&block)?,
        free_space: optional_number::<8>(&block, tags::FREE_SPACE)?,
        minutes: u32::try_from(optional_number::<4>(&block, tags::MINUTES)?).unwrap_or(0),
        regions: block
            .require(tags::REGIONS)?
            .items(limits::MAX_REGIONS, tags::REGIONS.name)?
            .into_iter()
            .map(region)
            .collect::<Result<_, _>>()?,
        unknown: block.unknown(&tags::MANIFEST),
    };
    rules::check(&manifest)?;
    let canonical = encode_checked(&manifest)?;
    match canonical
        .iter()
        .zip(bytes)
        .position(|(canonical, found)| canonical != found)
    {
        None if canonical.len() == bytes.len() => Ok(manifest),
        place => {
            let offset = place.unwrap_or(canonical.len().min(bytes.len()));
            let offset = u64::try_from(offset).unwrap_or(u64::MAX);
            Err(ManifestErrorKind::NotCanonical.at(offset, "manifest"))
        }
    }
}

/// Encodes a manifest, which must keep every rule that [`decode`] checks.
pub fn encode(manifest: &Manifest) -> Result<Vec<u8>, ManifestError> {
    rules::check(manifest)?;
    encode_checked(manifest)
}

fn encode_checked(manifest: &Manifest) -> Result<Vec<u8>, ManifestError> {
    let mut block = BlockWriter::new(&manifest.unknown);
    let versions = [
        manifest.read_version.to_le_bytes(),
        manifest.write_version.to_le_bytes(),
    ];
    block.put(tags::FORMAT, versions.as_flattened())?;
    block.put(
        tags::TYPE,
        &[code_of(&manifest.package_type, &PackageType::ALL).saturating_add(1)],
    )?;
    block.put(tags::NAME, manifest.name.as_bytes())?;
    block.put(tags::VERSION, manifest.version.to_string().as_bytes())?;
    block.put_unless_empty(tags::BUILD, manifest.build.as_bytes())?;
    block.put_unless_empty(tags::DESCRIPTION, manifest.description.as_bytes())?;
    block.put_unless_empty(tags::PRODUCT, manifest.product.as_bytes())?;
    block.put_unless_empty(tags::ARCHITECTURE, manifest.architecture.as_bytes())?;
    block.put_unless_empty(tags::BRANCH, manifest.branch.as_bytes())?;
    block.put(tags::CREATED, &manifest.created.as_second().to_le_bytes())?;
    block.put_unless_empty(
        tags::RELEASE_COUNTER,
        &non_zero(manifest.release_counter.to_le_bytes()),
    )?;
    if !manifest.source_versions.is_any() {
        block.put(
            tags::SOURCE_VERSIONS,
            manifest.source_versions.to_string().as_bytes(),
        )?;
    }
    for (tag, dependencies) in [
        (tags::REQUIRES, &manifest.requires),
        (tags::CONFLICTS, &manifest.conflicts),
        (tags::OBSOLETES, &manifest.obsoletes),
    ] {
        let items = dependencies
            .iter()
            .map(encode_dependency)
            .collect::<Result<Vec<_>, _>>()?;
        block.put_unless_empty(tag, &list(&items, tag.name)?)?;
    }
    block.put(tags::RESTART, &[code_of(&manifest.restart, &Restart::ALL)])?;
    block.put(tags::ROLLBACK, &[u8::from(manifest.rollback)])?;
    let services: Vec<_> = manifest
        .services
        .iter()
        .map(|name| name.clone().into_bytes())
        .collect();
    block.put_unless_empty(tags::SERVICES, &list(&services, tags::SERVICES.name)?)?;
    block.put_unless_empty(
        tags::FREE_SPACE,
        &non_zero(manifest.free_space.to_le_bytes()),
    )?;
    block.put_unless_empty(tags::MINUTES, &non_zero(manifest.minutes.to_le_bytes()))?;
    let regions = manifest
        .regions
        .iter()
        .map(encode_region)
        .collect::<Result<Vec<_>, _>>()?;
    block.put(tags::REGIONS, &list(&regions, tags::REGIONS.name)?)?;
    block.finish()
}

fn encode_dependency(dependency: &Dependency) -> Result<Vec<u8>, ManifestError> {
    let mut block = BlockWriter::default();
    block.put(tags::DEPENDENCY_NAME, dependency.name.as_bytes())?;
    if !dependency.versions.is_any() {
        block.put(
            tags::DEPENDENCY_VERSIONS,
            dependency.versions.to_string().as_bytes(),
        )?;
    }
    block.finish()
}

fn encode_region(region: &Region) -> Result<Vec<u8>, ManifestError> {
    let mut block = BlockWriter::new(&region.unknown);
    let chunks: Vec<u8> = region
        .chunks
        .iter()
        .flat_map(|chunk| *chunk.as_bytes())
        .collect();
    block.put(tags::REGION_KIND, &region.kind.code().to_le_bytes())?;
    block.put(tags::REGION_NAME, region.name.as_bytes())?;
    block.put_unless_empty(tags::REGION_MEDIA_TYPE, region.media_type.as_bytes())?;
    block.put(tags::REGION_SIZE, &region.size.to_le_bytes())?;
    block.put(tags::REGION_SHA256, region.sha256.as_bytes())?;
    block.put_unless_empty(tags::REGION_CHUNKS, &chunks)?;
    block.finish()
}

/// An all-zero number is not stored.
fn non_zero<const N: usize>(number: [u8; N]) -> Vec<u8> {
    if number == [0; N] {
        Vec::new()
    } else {
        number.to_vec()
    }
}

fn code_of<T: PartialEq>(value: &T, all: &[T]) -> u8 {
    all.iter()
        .position(|other| other == value)
        .and_then(|at| u8::try_from(at).ok())
        .unwrap_or(0)
}

fn region(span: Span<'_>) -> Result<Region, ManifestError> {
    let block = Block::parse(span, &tags::REGION)?;
    Ok(Region {
        kind: region_kind(block.require(tags::REGION_KIND)?)?,
        name: name(block.require(tags::REGION_NAME)?, tags::REGION_NAME)?,
        media_type: optional_line(&block, tags::REGION_MEDIA_TYPE)?,
        size: u64::from_le_bytes(
            block
                .require(tags::REGION_SIZE)?
                .array(tags::REGION_SIZE.name)?,
        ),
        sha256: Sha256Digest::from_bytes(
            block
                .require(tags::REGION_SHA256)?
                .array(tags::REGION_SHA256.name)?,
        ),
        chunks: chunks(&block)?,
        unknown: block.unknown(&tags::REGION),
    })
}

fn region_kind(value: Span<'_>) -> Result<RegionKind, ManifestError> {
    let code = u16::from_le_bytes(value.array(tags::REGION_KIND.name)?);
    RegionKind::from_code(code).ok_or_else(|| {
        let kind = ManifestErrorKind::Value {
            found: u64::from(code),
        };
        kind.at(value.offset, tags::REGION_KIND.name)
    })
}

fn chunks(block: &Block<'_>) -> Result<Vec<Sha256Digest>, ManifestError> {
    let Some(value) = block.get(tags::REGION_CHUNKS) else {
        return Ok(Vec::new());
    };
    let (digests, rest) = value.bytes.as_chunks::<{ Sha256Digest::LENGTH }>();
    if rest.is_empty() {
        Ok(digests
            .iter()
            .copied()
            .map(Sha256Digest::from_bytes)
            .collect())
    } else {
        let found = u64::try_from(value.bytes.len()).unwrap_or(u64::MAX);
        let expected = found - u64::try_from(rest.len()).unwrap_or(0);
        let kind = ManifestErrorKind::Length { expected, found };
        Err(kind.at(value.offset, tags::REGION_CHUNKS.name))
    }
}

fn dependencies(block: &Block<'_>, tag: Tag) -> Result<Vec<Dependency>, ManifestError> {
    let Some(value) = block.get(tag) else {
        return Ok(Vec::new());
    };
    let items = value.items(limits::MAX_LIST, tag.name)?;
    items.into_iter().map(dependency).collect()
}

fn dependency(span: Span<'_>) -> Result<Dependency, ManifestError> {
    let block = Block::parse(span, &tags::DEPENDENCY)?;
    Ok(Dependency {
        name: name(block.require(tags::DEPENDENCY_NAME)?, tags::DEPENDENCY_NAME)?,
        versions: optional_range(&block, tags::DEPENDENCY_VERSIONS)?,
    })
}

fn optional_range(block: &Block<'_>, tag: Tag) -> Result<VersionRange, ManifestError> {
    let range = block
        .get(tag)
        .map(|value| parsed(value, tag, ManifestErrorKind::Range));
    range.unwrap_or_else(|| Ok(VersionRange::default()))
}

fn services(block: &Block<'_>) -> Result<Vec<String>, ManifestError> {
    let Some(value) = block.get(tags::SERVICES) else {
        return Ok(Vec::new());
    };
    let items = value.items(limits::MAX_LIST, tags::SERVICES.name)?;
    items
        .into_iter()
        .map(|item| name(item, tags::SERVICES))
        .collect()
}

fn package_type(value: Span<'_>) -> Result<PackageType, ManifestError> {
    let [code] = value.array(tags::TYPE.name)?;
    let index = usize::from(code).checked_sub(1);
    index
        .and_then(|index| PackageType::ALL.get(index))
        .copied()
        .ok_or_else(|| {
            let kind = ManifestErrorKind::Value {
                found: u64::from(code),
            };
            kind.at(value.offset, tags::TYPE.name)
        })
}

/// One byte that counts from 0 into `all`.
fn coded<T: Copy>(value: Span<'_>, tag: Tag, all: &[T]) -> Result<T, ManifestError> {
    let [code] = value.array(tag.name)?;
    all.get(usize::from(code)).copied().ok_or_else(|| {
        ManifestErrorKind::Value {
            found: u64::from(code),
        }
        .at(value.offset, tag.name)
    })
}

fn timestamp(value: Span<'_>) -> Result<Timestamp, ManifestError> {
    let seconds = i64::from_le_bytes(value.array(tags::CREATED.name)?);
    let found = u64::from_le_bytes(seconds.to_le_bytes());
    Timestamp::from_second(seconds)
        .ok()
        .filter(|_| seconds >= 0)
        .ok_or_else(|| ManifestErrorKind::Value { found }.at(value.offset, tags::CREATED.name))
}

fn optional_number<const N: usize>(block: &Block<'_>, tag: Tag) -> Result<u64, ManifestError> {
    let value = block
        .get(tag)
        .map(|value| value.array::<N>(tag.name))
        .transpose()?;
    Ok(value.map_or(0, |bytes| number(&bytes)))
}

/// A little-endian number of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn optional_line(block: &Block<'_>, tag: Tag) -> Result<String, ManifestError> {
    block.get(tag).map_or_else(
        || Ok(String::new()),
        |value| checked(value, tag, text::line),
    )
}

fn name(value: Span<'_>, tag: Tag) -> Result<String, ManifestError> {
    checked(value, tag, text::name)
}

fn checked(
    value: Span<'_>,
    tag: Tag,
    check: fn(&[u8]) -> Result<&str, TextError>,
) -> Result<String, ManifestError> {
    check(value.bytes)
        .map(str::to_owned)
        .map_err(|error| ManifestErrorKind::Text(error).at(value.offset, tag.name))
}

/// A text that a type of its own parses.
fn parsed<T: std::str::FromStr>(
    value: Span<'_>,
    tag: Tag,
    kind: fn(T::Err) -> ManifestErrorKind,
) -> Result<T, ManifestError> {
    checked(value, tag, text::line)?
        .parse()
        .map_err(|error| kind(error).at(value.offset, tag.name))
}
