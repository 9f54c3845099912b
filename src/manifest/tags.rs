//! Tags of the manifest's fields: the table that the specification prints.

/// One kind of field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Number, 1 to 32767; fields stand in ascending order of it.
    pub number: u16,
    /// Whether a reader that does not know the field must refuse the manifest.
    pub critical: bool,
    /// Name, as the specification has it.
    pub name: &'static str,
}

/// The bit of a stored tag that says the field is critical.
pub const CRITICAL: u16 = 0x8000;

impl Tag {
    const fn critical(number: u16, name: &'static str) -> Self {
        Self {
            number,
            critical: true,
            name,
        }
    }

    const fn optional(number: u16, name: &'static str) -> Self {
        Self {
            number,
            critical: false,
            name,
        }
    }

    /// The 16 bits that stand in the manifest.
    pub const fn stored(self) -> u16 {
        if self.critical {
            self.number | CRITICAL
        } else {
            self.number
        }
    }
}

/// Read and write version of the format, bound by the signature.
pub const FORMAT: Tag = Tag::critical(1, "format");
/// Package type.
pub const TYPE: Tag = Tag::critical(2, "type");
/// Package name.
pub const NAME: Tag = Tag::critical(3, "name");
/// Package version.
pub const VERSION: Tag = Tag::critical(4, "version");
/// Build label.
pub const BUILD: Tag = Tag::optional(5, "build");
/// One line that describes the package.
pub const DESCRIPTION: Tag = Tag::optional(6, "description");
/// Product the package is for.
pub const PRODUCT: Tag = Tag::critical(7, "product");
/// Machine architecture the package is for.
pub const ARCHITECTURE: Tag = Tag::critical(8, "architecture");
/// Source branch.
pub const BRANCH: Tag = Tag::optional(9, "branch");
/// Creation time.
pub const CREATED: Tag = Tag::optional(10, "created");
/// Release counter against rollback.
pub const RELEASE_COUNTER: Tag = Tag::critical(11, "release_counter");
/// Installed versions the package may replace.
pub const SOURCE_VERSIONS: Tag = Tag::critical(12, "source_versions");
/// Packages that must be there.
pub const REQUIRES: Tag = Tag::critical(13, "requires");
/// Packages that must not be there.
pub const CONFLICTS: Tag = Tag::critical(14, "conflicts");
/// Packages that this one makes needless.
pub const OBSOLETES: Tag = Tag::critical(15, "obsoletes");
/// What must be restarted.
pub const RESTART: Tag = Tag::critical(16, "restart");
/// Whether the installation can be undone.
pub const ROLLBACK: Tag = Tag::critical(17, "rollback");
/// Services that are interrupted.
pub const SERVICES: Tag = Tag::optional(18, "services");
/// Free space needed.
pub const FREE_SPACE: Tag = Tag::optional(19, "free_space");
/// Minutes the installation takes.
pub const MINUTES: Tag = Tag::optional(20, "minutes");
/// The regions.
pub const REGIONS: Tag = Tag::critical(32, "regions");

/// Every field of the manifest, ascending.
pub const MANIFEST: [Tag; 21] = [
    FORMAT,
    TYPE,
    NAME,
    VERSION,
    BUILD,
    DESCRIPTION,
    PRODUCT,
    ARCHITECTURE,
    BRANCH,
    CREATED,
    RELEASE_COUNTER,
    SOURCE_VERSIONS,
    REQUIRES,
    CONFLICTS,
    OBSOLETES,
    RESTART,
    ROLLBACK,
    SERVICES,
    FREE_SPACE,
    MINUTES,
    REGIONS,
];

/// Kind of a region.
pub const REGION_KIND: Tag = Tag::critical(1, "kind");
/// Name of a region.
pub const REGION_NAME: Tag = Tag::critical(2, "name");
/// Media type of a region.
pub const REGION_MEDIA_TYPE: Tag = Tag::optional(3, "media_type");
/// Length of a region.
pub const REGION_SIZE: Tag = Tag::critical(4, "size");
/// Digest of a region.
pub const REGION_SHA256: Tag = Tag::critical(5, "sha256");
/// Digests of a region's chunks.
pub const REGION_CHUNKS: Tag = Tag::critical(6, "chunks");

/// Every field of a region, ascending.
pub const REGION: [Tag; 6] = [
    REGION_KIND,
    REGION_NAME,
    REGION_MEDIA_TYPE,
    REGION_SIZE,
    REGION_SHA256,
    REGION_CHUNKS,
];

/// Name of the package that a dependency speaks of.
pub const DEPENDENCY_NAME: Tag = Tag::critical(1, "name");
/// Versions that a dependency speaks of.
pub const DEPENDENCY_VERSIONS: Tag = Tag::critical(2, "versions");

/// Every field of a dependency, ascending.
pub const DEPENDENCY: [Tag; 2] = [DEPENDENCY_NAME, DEPENDENCY_VERSIONS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_ascend() {
        for table in [&MANIFEST[..], &REGION, &DEPENDENCY] {
            assert!(table.windows(2).all(|pair| pair[0].number < pair[1].number));
        }
    }
}
