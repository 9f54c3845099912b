use super::{OpenError, Package, Verified};
use crate::manifest::RegionKind;
use crate::payload::{FileTable, PayloadError, PayloadIndex};

/// What the regions of a package say of the tree of files that is its payload.
#[derive(Debug)]
pub struct Tree {
    /// Where its frames are.
    pub index: PayloadIndex,
    /// Its files.
    pub table: FileTable,
}

/// Why the regions that describe a tree cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// They cannot be read, or are not what was signed.
    #[error(transparent)]
    Region(#[from] OpenError),
    /// They were signed, and say nothing that makes sense.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

impl Package<Verified> {
    /// The tree of files that is the payload; none if the payload is something else.
    ///
    /// Both regions are compared with their digests before they are decoded.
    pub fn tree(&self) -> Result<Option<Tree>, TreeError> {
        let index = self.read_kind(RegionKind::PayloadIndex)?;
        let table = self.read_kind(RegionKind::FileTable)?;
        let (Some(index), Some(table)) = (index, table) else {
            return Ok(None);
        };
        let (index, table) = (PayloadIndex::decode(&index)?, FileTable::decode(&table)?);
        Ok(Some(Tree { index, table }))
    }

    fn read_kind(&self, kind: RegionKind) -> Result<Option<Vec<u8>>, OpenError> {
        let found = self.region_of(kind);
        let bytes = found.map(|(region, extent)| self.read_region(region, extent));
        bytes.transpose()
    }
}
