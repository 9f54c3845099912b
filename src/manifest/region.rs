use std::fmt;
use std::str::FromStr;

use super::UnknownField;
use crate::digest::Sha256Digest;

/// One region as the manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// What the region is for.
    pub kind: RegionKind,
    /// Name, unlike every other region's; 1 to 255 bytes, without slashes.
    pub name: String,
    /// Media type of the bytes; empty: not said.
    pub media_type: String,
    /// Length in bytes.
    pub size: u64,
    /// Digest of all its bytes.
    pub sha256: Sha256Digest,
    /// Digests of every 4 MiB of it, the last chunk being shorter.
    pub chunks: Vec<Sha256Digest>,
    /// Fields that this version does not know and may ignore.
    pub unknown: Vec<UnknownField>,
}

/// What a region is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegionKind {
    /// The payload; always the first region and only that.
    Payload,
    /// Text for people; always the second region.
    Readme,
    /// The files in the payload.
    FileTable,
    /// The frames of the payload.
    PayloadIndex,
    /// A further payload.
    ExtraPayload,
    /// A program run before or after installation.
    Hook,
    /// A program that tells whether the system is well.
    HealthCheck,
    /// Paths that an installation leaves alone.
    SkipList,
    /// Paths that an installation removes.
    ObsoleteList,
    /// A kernel.
    Kernel,
    /// Release notes, longer than a README.
    ReleaseNotes,
    /// Anything else.
    Other,
    /// A kind that this version does not know and may ignore.
    Unknown(u16),
}

impl RegionKind {
    /// Every kind this version knows, in the order of their codes.
    pub const KNOWN: [Self; 12] = [
        Self::Payload,
        Self::Readme,
        Self::FileTable,
        Self::PayloadIndex,
        Self::ExtraPayload,
        Self::Hook,
        Self::HealthCheck,
        Self::SkipList,
        Self::ObsoleteList,
        Self::Kernel,
        Self::ReleaseNotes,
        Self::Other,
    ];

    /// The number in the manifest; those from 32768 on must be understood by a reader.
    pub const fn code(self) -> u16 {
        match self {
            Self::Payload => 1,
            Self::Readme => 2,
            Self::FileTable => 3,
            Self::PayloadIndex => 4,
            Self::ExtraPayload => 5,
            Self::Hook => 6,
            Self::HealthCheck => 7,
            Self::SkipList => 8,
            Self::ObsoleteList => 9,
            Self::Kernel => 10,
            Self::ReleaseNotes => 11,
            Self::Other => 12,
            Self::Unknown(code) => code,
        }
    }

    /// The kind with that number; `None` where a reader must refuse it.
    pub fn from_code(code: u16) -> Option<Self> {
        let known = Self::KNOWN.into_iter().find(|kind| kind.code() == code);
        known.or_else(|| (1..0x8000).contains(&code).then_some(Self::Unknown(code)))
    }

    /// The word used in flags, files and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Readme => "readme",
            Self::FileTable => "file-table",
            Self::PayloadIndex => "payload-index",
            Self::ExtraPayload => "extra-payload",
            Self::Hook => "hook",
            Self::HealthCheck => "health-check",
            Self::SkipList => "skip-list",
            Self::ObsoleteList => "obsolete-list",
            Self::Kernel => "kernel",
            Self::ReleaseNotes => "release-notes",
            Self::Other => "other",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The phrase shown as a region's `Type`; the payload's depends on the package.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Payload => "Payload",
            Self::Readme => "README",
            Self::FileTable => "File Table",
            Self::PayloadIndex => "Payload Index",
            Self::ExtraPayload => "Extra Payload",
            Self::Hook => "Hook",
            Self::HealthCheck => "Health Check",
            Self::SkipList => "Skip List",
            Self::ObsoleteList => "Obsolete List",
            Self::Kernel => "Kernel",
            Self::ReleaseNotes => "Release Notes",
            Self::Other => "Other",
            Self::Unknown(_) => "Unknown",
        }
    }

    /// Whether a package has at most one region of this kind.
    pub const fn is_single(self) -> bool {
        matches!(
            self,
            Self::Payload | Self::Readme | Self::FileTable | Self::PayloadIndex
        )
    }
}

impl fmt::Display for RegionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(code) => write!(f, "unknown-{code}"),
            known => f.write_str(known.name()),
        }
    }
}

/// A word that names no kind of region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown region kind {0:?}")]
pub struct UnknownRegionKind(pub String);

impl FromStr for RegionKind {
    type Err = UnknownRegionKind;

    fn from_str(text: &str) -> Result<Self, UnknownRegionKind> {
        Self::KNOWN
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownRegionKind(text.to_owned()))
    }
}
