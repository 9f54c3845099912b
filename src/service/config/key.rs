/// One thing that can be configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The catalog directory.
    Catalog,
    /// The directory that everything trusted is in, unless it is named itself.
    Trust,
    /// The directory of package anchors.
    Certs,
    /// The directory of anchors of timestamp authorities.
    TsaCerts,
    /// The directory of revocation lists.
    Crls,
    /// The identities file.
    Identities,
    /// The directory of the machine's own system.
    System,
    /// Longest wait for others who use the catalog.
    LockTimeout,
}

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// The path of a file or directory.
    Path,
    /// A duration such as `30s`.
    Duration,
}

impl Key {
    /// Every key, in the order they are shown.
    pub const ALL: [Self; 8] = [
        Self::Catalog,
        Self::Trust,
        Self::Certs,
        Self::TsaCerts,
        Self::Crls,
        Self::Identities,
        Self::System,
        Self::LockTimeout,
    ];

    /// Its table and its name in the file, with a dot between.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Catalog => "paths.catalog",
            Self::Trust => "paths.trust",
            Self::Certs => "paths.certs",
            Self::TsaCerts => "paths.tsa_certs",
            Self::Crls => "paths.crls",
            Self::Identities => "paths.identities",
            Self::System => "paths.system",
            Self::LockTimeout => "catalog.lock_timeout",
        }
    }

    /// The flag that sets it, if there is one.
    pub const fn flag(self) -> Option<&'static str> {
        match self {
            Self::Catalog => Some("--catalog"),
            Self::Trust => Some("--trust"),
            Self::LockTimeout => Some("--lock-timeout"),
            Self::Certs | Self::TsaCerts | Self::Crls | Self::Identities | Self::System => None,
        }
    }

    /// The environment variable that sets it, if there is one.
    pub const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Catalog => Some("ISI_CATALOG"),
            Self::Trust => Some("ISI_TRUST"),
            Self::System => Some("ISI_SYSTEM"),
            Self::LockTimeout => Some("ISI_LOCK_TIMEOUT"),
            Self::Certs | Self::TsaCerts | Self::Crls | Self::Identities => None,
        }
    }

    /// What values it takes.
    pub const fn kind(self) -> ValueKind {
        match self {
            Self::LockTimeout => ValueKind::Duration,
            _ => ValueKind::Path,
        }
    }
}
