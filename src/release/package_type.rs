use std::fmt;
use std::str::FromStr;

/// The kind of a package.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PackageType {
    /// A whole system image.
    Onefs,
    /// A change of an installed system.
    Patch,
    /// Node firmware.
    Firmware,
    /// A drive support package.
    Dsp,
    /// Anything else that should be signed, kept and handed out.
    Generic,
}

impl PackageType {
    /// Every type, in the order of their codes.
    pub const ALL: [Self; 5] = [
        Self::Onefs,
        Self::Patch,
        Self::Firmware,
        Self::Dsp,
        Self::Generic,
    ];

    /// The word used in flags, files and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Onefs => "onefs",
            Self::Patch => "patch",
            Self::Firmware => "firmware",
            Self::Dsp => "dsp",
            Self::Generic => "generic",
        }
    }

    /// The word shown in the catalog's `Type` column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Onefs => "OneFS",
            Self::Patch => "Patch",
            Self::Firmware => "Firmware",
            Self::Dsp => "DSP",
            Self::Generic => "Generic",
        }
    }

    /// The phrase shown as the `Type` of region 1.
    pub const fn payload_label(self) -> &'static str {
        match self {
            Self::Onefs => "OneFS Install Image",
            Self::Patch => "Patch",
            Self::Firmware => "Firmware Package",
            Self::Dsp => "Drive Support Package",
            Self::Generic => "Generic Payload",
        }
    }
}

impl fmt::Display for PackageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no package type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown package type {0:?}: expected onefs, patch, firmware, dsp or generic")]
pub struct UnknownPackageType(pub String);

impl FromStr for PackageType {
    type Err = UnknownPackageType;

    fn from_str(text: &str) -> Result<Self, UnknownPackageType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownPackageType(text.to_owned()))
    }
}
