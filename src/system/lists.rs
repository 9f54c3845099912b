//! What a package and the administrator say of paths: what stays as it is, and what goes.

use crate::manifest::RegionKind;
use crate::package::{OpenError, Package, Verified};
use crate::payload::limits::MAX_LIST_LENGTH;
use crate::payload::lists::{ListError, ObsoleteList, PathPattern, SkipList};

/// The lists that count for one installation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lists {
    /// What is left alone.
    pub skip: SkipList,
    /// What is not carried over.
    pub obsolete: ObsoleteList,
}

/// Lists of a package that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListsError {
    /// The package does not let them be read.
    #[error("the lists of the package")]
    Package(#[from] OpenError),
    /// One of them is refused.
    #[error("region {region:?} of the package")]
    List {
        /// The region's name.
        region: String,
        /// What is wrong with it.
        source: ListError,
    },
}

impl ListsError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Package(source) => source.code(),
            Self::List { source, .. } => source.code(),
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Package(_) => None,
            Self::List { .. } => Some("its vendor has to build the package again".to_owned()),
        }
    }
}

impl Lists {
    /// The lists of a verified package, and the administrator's own patterns behind them.
    pub fn read(package: &Package<Verified>, own: &[PathPattern]) -> Result<Self, ListsError> {
        let mut lists = Self::default();
        let count = package.manifest().regions.len();
        for (region, extent) in (0..count).filter_map(|index| package.region(index)) {
            if !matches!(region.kind, RegionKind::SkipList | RegionKind::ObsoleteList) {
                continue;
            }
            let refused = |source| ListsError::List {
                region: region.name.clone(),
                source,
            };
            // A longer one is refused before it is read.
            let limit = u64::try_from(MAX_LIST_LENGTH).unwrap_or(u64::MAX);
            let bytes = if region.size > limit {
                vec![b'#'; MAX_LIST_LENGTH + 1]
            } else {
                package.read_region(region, extent)?
            };
            if region.kind == RegionKind::SkipList {
                let list = SkipList::parse(&bytes).map_err(refused)?;
                lists.skip.extend(list.patterns().iter().cloned());
            } else {
                lists
                    .obsolete
                    .extend(ObsoleteList::parse(&bytes).map_err(refused)?);
            }
        }
        lists.skip.extend(own.iter().cloned());
        Ok(lists)
    }
}
