use crate::release::{PackageType, VersionRange};

/// Which artifacts to list, and in which order; every filter that is given has to hold.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only packages of this type.
    pub package_type: Option<PackageType>,
    /// Only packages whose name matches: `*` is any text, `?` any one character, `[a-z]` one of these.
    pub name: Option<String>,
    /// Only packages of these versions.
    pub versions: VersionRange,
    /// Only packages with a signer whose subject or identity holds this text, large or small letters.
    pub signer: Option<String>,
    /// Only packages that are needed: by a reference of this kind, or by this holder.
    pub reference: Option<String>,
    /// What to order by.
    pub order: Order,
    /// Last first.
    pub descending: bool,
    /// Most artifacts to return.
    pub limit: Option<u64>,
    /// How many to leave out before the first.
    pub offset: u64,
}

/// What a listing is ordered by; ties are broken by the ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The time of import.
    #[default]
    Imported,
    /// The name, then the version.
    Name,
    /// The type, then the name, then the version.
    Type,
    /// The version by its rank, then the name.
    Version,
    /// The ID.
    Id,
    /// The length of the file.
    Size,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 6] = [
        Self::Imported,
        Self::Name,
        Self::Type,
        Self::Version,
        Self::Id,
        Self::Size,
    ];

    /// The word used in flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Name => "name",
            Self::Type => "type",
            Self::Version => "version",
            Self::Id => "id",
            Self::Size => "size",
        }
    }

    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Imported => &["imported_at", "artifact.rowid"],
            Self::Name => &["name", "version_key", "artifact.id"],
            Self::Type => &["type", "name", "version_key", "artifact.id"],
            Self::Version => &["version_key", "name", "artifact.id"],
            Self::Id => &["artifact.id"],
            Self::Size => &["size", "artifact.id"],
        }
    }
}

impl ListRequest {
    /// The order as SQL.
    pub(super) fn order_by(&self) -> String {
        let direction = if self.descending { " DESC" } else { "" };
        let columns = self.order.columns().iter();
        let columns: Vec<_> = columns
            .map(|column| format!("{column}{direction}"))
            .collect();
        columns.join(", ")
    }
}
