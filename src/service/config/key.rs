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
    /// What an upgrade leaves alone on this machine.
    Skip,
    /// Which kernel is booted unless a flag says otherwise.
    Kernel,
    /// Where an image may have device nodes.
    Devices,
    /// Where an image may have programs with rights of their own.
    Privileged,
    /// How long each hook of an image may take.
    HookTimeout,
    /// How long each health check of an image may take.
    HealthTimeout,
}

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// The path of a file or directory.
    Path,
    /// A duration such as `30s`.
    Duration,
    /// A list of patterns for paths.
    Patterns,
    /// A name, such as a kernel has.
    Name,
}

impl Key {
    /// Every key, in the order they are shown.
    pub const ALL: [Self; 14] = [
        Self::Catalog,
        Self::Trust,
        Self::Certs,
        Self::TsaCerts,
        Self::Crls,
        Self::Identities,
        Self::System,
        Self::LockTimeout,
        Self::Skip,
        Self::Kernel,
        Self::Devices,
        Self::Privileged,
        Self::HookTimeout,
        Self::HealthTimeout,
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
            Self::Skip => "upgrade.skip",
            Self::Kernel => "upgrade.kernel",
            Self::Devices => "upgrade.devices",
            Self::Privileged => "upgrade.privileged",
            Self::HookTimeout => "upgrade.hook_timeout",
            Self::HealthTimeout => "upgrade.health_timeout",
        }
    }

    /// The flag that sets it, if there is one.
    pub const fn flag(self) -> Option<&'static str> {
        match self {
            Self::Catalog => Some("--catalog"),
            Self::Trust => Some("--trust"),
            Self::LockTimeout => Some("--lock-timeout"),
            Self::Kernel => Some("--kernel"),
            Self::Certs
            | Self::TsaCerts
            | Self::Crls
            | Self::Identities
            | Self::System
            | Self::Skip
            | Self::Devices
            | Self::Privileged
            | Self::HookTimeout
            | Self::HealthTimeout => None,
        }
    }

    /// The environment variable that sets it, if there is one.
    pub const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Catalog => Some("ISI_CATALOG"),
            Self::Trust => Some("ISI_TRUST"),
            Self::System => Some("ISI_SYSTEM"),
            Self::LockTimeout => Some("ISI_LOCK_TIMEOUT"),
            Self::HookTimeout => Some("ISI_HOOK_TIMEOUT"),
            Self::HealthTimeout => Some("ISI_HEALTH_TIMEOUT"),
            Self::Certs
            | Self::TsaCerts
            | Self::Crls
            | Self::Identities
            | Self::Skip
            | Self::Kernel
            | Self::Devices
            | Self::Privileged => None,
        }
    }

    /// Whether it is a duration that must not be zero: no program ends in no time.
    pub const fn takes_time(self) -> bool {
        matches!(self, Self::HookTimeout | Self::HealthTimeout)
    }

    /// What values it takes.
    pub const fn kind(self) -> ValueKind {
        match self {
            Self::LockTimeout | Self::HookTimeout | Self::HealthTimeout => ValueKind::Duration,
            Self::Skip | Self::Devices | Self::Privileged => ValueKind::Patterns,
            Self::Kernel => ValueKind::Name,
            _ => ValueKind::Path,
        }
    }
}
