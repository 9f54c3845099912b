use serde::Serialize;

use super::Rules;
use super::facts::PackageFacts;
use super::inventory::Inventory;
use crate::manifest::Dependency;
use crate::payload::EntryPath;
use crate::release::{PackageType, Version, VersionRange};
use crate::system::{EnvName, KernelChoice, Right};

/// Why a package cannot be installed on a system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The package is of another type.
    #[error("{name} is of type {found}: expected an image, type onefs")]
    NotImage {
        /// The package.
        name: String,
        /// Its type.
        found: PackageType,
    },
    /// The payload is not described file by file.
    #[error("the payload of {name} is no tree of files: it has no file table")]
    NoTree {
        /// The package.
        name: String,
    },
    /// It is for other processors.
    #[error("{name} is for {found}: the system is {expected}")]
    Architecture {
        /// The package.
        name: String,
        /// What it is for.
        found: String,
        /// What the system is.
        expected: String,
    },
    /// It is for another product.
    #[error("{name} is for {found:?}: the system is {expected:?}")]
    Product {
        /// The package.
        name: String,
        /// What it is for.
        found: String,
        /// What is installed.
        expected: String,
    },
    /// It cannot take the place of what is installed.
    #[error("{name} upgrades {expected}: installed is {found}")]
    SourceVersion {
        /// The package.
        name: String,
        /// Versions that it upgrades.
        expected: VersionRange,
        /// The version that is installed.
        found: Version,
    },
    /// Something that it needs is not installed.
    #[error("{name} requires {}: {}", of(dependency), instead(found.as_ref()))]
    Requires {
        /// The package.
        name: String,
        /// What it needs.
        dependency: Dependency,
        /// The version that is installed instead, if one is.
        found: Option<Version>,
    },
    /// Something that is installed must not be.
    #[error("{name} conflicts with {}: {found} is installed", of(dependency))]
    Conflicts {
        /// The package.
        name: String,
        /// What must not be installed.
        dependency: Dependency,
        /// The version that is.
        found: Version,
    },
    /// It is older than what was made permanent before.
    #[error("{name} has release counter {found}: the floor of {product:?} is {floor}")]
    Downgrade {
        /// The package.
        name: String,
        /// The product.
        product: String,
        /// Its release counter.
        found: u64,
        /// The lowest one that may be installed.
        floor: u64,
    },
    /// It brings something that gives rights in a place where nothing may.
    #[error("{name} has \"{path}\", {right}, where none may be{}", and_more(*more))]
    Rights {
        /// The package.
        name: String,
        /// The first such file.
        path: EntryPath,
        /// What it is.
        right: Right,
        /// How many more there are.
        more: usize,
    },
    /// It does not have the kernel that was asked for.
    #[error("{name} has no kernel {kernel:?}: it has {}", listed(found))]
    Kernel {
        /// The package.
        name: String,
        /// The kernel that was asked for.
        kernel: String,
        /// The kernels that it has.
        found: Vec<String>,
    },
    /// The kernel that should be kept is not there.
    #[error("boot environment {environment} has no kernel to keep")]
    NothingToKeep {
        /// The environment before.
        environment: EnvName,
    },
    /// The name of the new environment is taken.
    #[error("there is a boot environment called {name}")]
    EnvironmentExists {
        /// The name.
        name: EnvName,
    },
    /// No name for the new environment could be made.
    #[error("{base} makes no name of a boot environment that is free")]
    NoName {
        /// What the name would have begun with.
        base: String,
    },
    /// The disk has no room for it.
    #[error("{free} bytes are free: {name} needs {needed}")]
    NoSpace {
        /// The package.
        name: String,
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The disk that kernels go to has no room for them.
    #[error("{free} bytes are free where kernels go: those of {name} need {needed}")]
    NoSpaceForKernels {
        /// The package.
        name: String,
        /// Bytes that they need.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
}

impl Refusal {
    /// Every code, in the order of the rules.
    pub const CODES: [&str; 14] = [
        "E_NOT_IMAGE",
        "E_NO_TREE",
        "E_WRONG_ARCHITECTURE",
        "E_WRONG_PRODUCT",
        "E_SOURCE_VERSION",
        "E_REQUIRES",
        "E_CONFLICTS",
        "E_DOWNGRADE",
        "E_RIGHTS",
        "E_KERNEL_MISSING",
        "E_KERNEL_NOT_KEPT",
        "E_ENVIRONMENT_EXISTS",
        "E_ENVIRONMENT_NAME",
        "E_NO_SPACE",
    ];

    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotImage { .. } => "E_NOT_IMAGE",
            Self::NoTree { .. } => "E_NO_TREE",
            Self::Architecture { .. } => "E_WRONG_ARCHITECTURE",
            Self::Product { .. } => "E_WRONG_PRODUCT",
            Self::SourceVersion { .. } => "E_SOURCE_VERSION",
            Self::Requires { .. } => "E_REQUIRES",
            Self::Conflicts { .. } => "E_CONFLICTS",
            Self::Downgrade { .. } => "E_DOWNGRADE",
            Self::Rights { .. } => "E_RIGHTS",
            Self::Kernel { .. } => "E_KERNEL_MISSING",
            Self::NothingToKeep { .. } => "E_KERNEL_NOT_KEPT",
            Self::EnvironmentExists { .. } => "E_ENVIRONMENT_EXISTS",
            Self::NoName { .. } => "E_ENVIRONMENT_NAME",
            Self::NoSpace { .. } | Self::NoSpaceForKernels { .. } => "E_NO_SPACE",
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotImage { .. } => {
                "`isi upgrade catalog list --type onefs` shows the images".into()
            }
            Self::NoTree { .. } => {
                "its vendor has to build it from a directory, with `isi_packager create`".into()
            }
            Self::SourceVersion { .. } => "upgrade to a version in between first".into(),
            Self::Requires { dependency, .. } => format!("install {} first", of(dependency)),
            Self::Conflicts { dependency, .. } => format!("remove {} first", of(dependency)),
            Self::Downgrade { .. } => {
                "--allow-downgrade REASON installs it all the same; the reason is kept".into()
            }
            Self::Rights {
                right: Right::Device,
                ..
            } => "upgrade.devices in the configuration says where device nodes may be".into(),
            Self::Rights { .. } => {
                "upgrade.privileged in the configuration says where such programs may be".into()
            }
            Self::Kernel { .. } => {
                "name one of them with --kernel, or none with --no-kernel".into()
            }
            Self::NothingToKeep { .. } => "leave --keep-old-kernel out".into(),
            Self::EnvironmentExists { name } => format!(
                "give another --name, or `isi upgrade bootenv destroy {name}` if nobody needs it"
            ),
            Self::NoName { .. } => "choose one with --name".into(),
            Self::NoSpace { .. } | Self::NoSpaceForKernels { .. } => {
                "free some space, then try again; `isi upgrade bootenv list` shows what could go"
                    .into()
            }
            Self::Architecture { .. } | Self::Product { .. } => return None,
        };
        Some(hint)
    }
}

/// A rule that a package has to meet before anything is done.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// What is looked at.
    pub(super) name: &'static str,
    /// Why the rule is not met, if it is not.
    pub(super) check: fn(&Inventory, &PackageFacts, &Rules) -> Option<Refusal>,
}

/// The rules, in their order; the first one that is not met is the refusal.
pub(super) const RULES: [Rule; 13] = [
    rule("type", image),
    rule("payload", tree),
    rule("architecture", architecture),
    rule("product", product),
    rule("source-version", source_version),
    rule("requires", requires),
    rule("conflicts", conflicts),
    rule("floor", floor),
    rule("rights", rights),
    rule("kernel", kernel),
    rule("old-kernel", old_kernel),
    rule("environment", environment),
    rule("space", space),
];

/// Bytes to spare beside what a package needs: for records, journal and directories.
const SPARE: u64 = 1 << 20;

/// What has to be free for a package where environments are made, in bytes: its vendor knows nothing of what
/// comes over.
pub(super) fn needed(inventory: &Inventory, facts: &PackageFacts, rules: &Rules) -> u64 {
    let tree = facts.tree.map_or(0, |tree| tree.bytes);
    let image = tree.max(facts.free_space);
    let kernels = match inventory.free_for_kernels {
        Some(_) => 0,
        None => needed_for_kernels(inventory, facts, rules),
    };
    [inventory.carried, kernels, SPARE]
        .into_iter()
        .fold(image, u64::saturating_add)
}

/// What has to be free for kernels, in bytes: those of the package, or those that stay.
fn needed_for_kernels(inventory: &Inventory, facts: &PackageFacts, rules: &Rules) -> u64 {
    if !brings_kernel(facts, rules) {
        return inventory.kernels.all;
    }
    let kept = inventory.kernels.booted;
    let kept = kept.filter(|_| rules.carrying.keep_old_kernel);
    facts.kernel_bytes.saturating_add(kept.unwrap_or(0))
}

/// Whether the new environment is booted with a kernel of the package.
fn brings_kernel(facts: &PackageFacts, rules: &Rules) -> bool {
    !facts.kernels.is_empty() && rules.carrying.kernel != KernelChoice::None
}

type Check = fn(&Inventory, &PackageFacts, &Rules) -> Option<Refusal>;

const fn rule(name: &'static str, check: Check) -> Rule {
    Rule { name, check }
}

fn image(_: &Inventory, facts: &PackageFacts, _: &Rules) -> Option<Refusal> {
    (facts.package_type != PackageType::Onefs).then(|| Refusal::NotImage {
        name: facts.name.clone(),
        found: facts.package_type,
    })
}

fn tree(_: &Inventory, facts: &PackageFacts, _: &Rules) -> Option<Refusal> {
    facts.tree.is_none().then(|| Refusal::NoTree {
        name: facts.name.clone(),
    })
}

fn architecture(inventory: &Inventory, facts: &PackageFacts, _: &Rules) -> Option<Refusal> {
    let (expected, found) = (&inventory.architecture, &facts.architecture);
    let any = expected.is_empty() || found.is_empty();
    (!any && usual(expected) != usual(found)).then(|| Refusal::Architecture {
        name: facts.name.clone(),
        found: found.clone(),
        expected: expected.clone(),
    })
}

/// The name that is used here for processors that go by several.
fn usual(architecture: &str) -> &str {
    match architecture {
        "amd64" | "x86-64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    }
}

fn product(inventory: &Inventory, facts: &PackageFacts, _: &Rules) -> Option<Refusal> {
    let expected = &inventory.installed.as_ref()?.product;
    let found = &facts.product;
    let any = expected.is_empty() || found.is_empty();
    (!any && expected != found).then(|| Refusal::Product {
        name: facts.name.clone(),
        found: found.clone(),
        expected: expected.clone(),
    })
}

fn source_version(inventory: &Inventory, facts: &PackageFacts, _: &Rules) -> Option<Refusal> {
    let installed = inventory.installed.as_ref()?;
    let expected = &facts.source_versions;
    (!expected.contains(&installed.version)).then(|| Refusal::SourceVersion {
        name: facts.name.clone(),
        expected: expected.clone(),
        found: installed.version.clone(),
    })
}

fn requires(inventory: &Inventory, facts: &PackageFacts, _: &Rules) -> Option<Refusal> {
    let missing = |dependency: &&Dependency| {
        let mut everything = inventory.everything();
        !everything.any(|(name, version)| meets(dependency, name, version))
    };
    let dependency = facts.requires.iter().find(missing)?;
    let mut everything = inventory.everything();
    let found = everything.find(|(name, _)| *name == dependency.name);
    Some(Refusal::Requires {
        name: facts.name.clone(),
        dependency: dependency.clone(),
        found: found.map(|(_, version)| version.clone()),
    })
}

fn conflicts(inventory: &Inventory, facts: &PackageFacts, _: &Rules) -> Option<Refusal> {
    facts.conflicts.iter().find_map(|dependency| {
        let mut everything = inventory.everything();
        let (_, found) = everything.find(|(name, version)| meets(dependency, name, version))?;
        Some(Refusal::Conflicts {
            name: facts.name.clone(),
            dependency: dependency.clone(),
            found: found.clone(),
        })
    })
}

fn floor(inventory: &Inventory, facts: &PackageFacts, rules: &Rules) -> Option<Refusal> {
    let floor = *inventory.floors.get(&facts.product)?;
    let below = facts.release_counter < floor && rules.allow_downgrade.is_none();
    below.then(|| Refusal::Downgrade {
        name: facts.name.clone(),
        product: facts.product.clone(),
        found: facts.release_counter,
        floor,
    })
}

fn rights(_: &Inventory, facts: &PackageFacts, rules: &Rules) -> Option<Refusal> {
    let mut refused = rules.rights.refused(&facts.rights);
    let first = refused.next()?;
    Some(Refusal::Rights {
        name: facts.name.clone(),
        path: first.path.clone(),
        right: first.right,
        more: refused.count(),
    })
}

fn kernel(_: &Inventory, facts: &PackageFacts, rules: &Rules) -> Option<Refusal> {
    let KernelChoice::Named(kernel) = &rules.carrying.kernel else {
        return None;
    };
    (!facts.kernels.contains(kernel)).then(|| Refusal::Kernel {
        name: facts.name.clone(),
        kernel: kernel.clone(),
        found: facts.kernels.clone(),
    })
}

/// Where no kernel is brought, those of the environment before stay, whichever they are.
fn old_kernel(inventory: &Inventory, facts: &PackageFacts, rules: &Rules) -> Option<Refusal> {
    let wanted = rules.carrying.keep_old_kernel && brings_kernel(facts, rules);
    let environment = inventory.parent().filter(|_| wanted)?;
    let missing = inventory.kernels.booted.is_none();
    missing.then(|| Refusal::NothingToKeep {
        environment: environment.clone(),
    })
}

fn environment(inventory: &Inventory, _: &PackageFacts, rules: &Rules) -> Option<Refusal> {
    let name = rules.environment.as_ref()?;
    let taken = inventory.environments.contains(name);
    taken.then(|| Refusal::EnvironmentExists { name: name.clone() })
}

fn space(inventory: &Inventory, facts: &PackageFacts, rules: &Rules) -> Option<Refusal> {
    let (needed, free) = (needed(inventory, facts, rules), inventory.free_space);
    if free < needed {
        let name = facts.name.clone();
        return Some(Refusal::NoSpace { name, needed, free });
    }
    let free = inventory.free_for_kernels?;
    let needed = needed_for_kernels(inventory, facts, rules);
    (free < needed).then(|| Refusal::NoSpaceForKernels {
        name: facts.name.clone(),
        needed,
        free,
    })
}

fn meets(dependency: &Dependency, name: &str, version: &Version) -> bool {
    dependency.name == name && dependency.versions.contains(version)
}

fn of(dependency: &Dependency) -> String {
    if dependency.versions.is_any() {
        return dependency.name.clone();
    }
    format!("{} {}", dependency.name, dependency.versions)
}

fn instead(found: Option<&Version>) -> String {
    match found {
        Some(version) => format!("{version} is installed"),
        None => "it is not installed".to_owned(),
    }
}

fn and_more(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!("; and {count} more"),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// What looking at one rule came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub rule: String,
    /// Whether the rule is met.
    pub passed: bool,
    /// Stable code of what is wrong.
    pub code: Option<String>,
    /// One sentence about what is wrong.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    pub(super) fn new(rule: &str, refusal: Option<&Refusal>) -> Self {
        Self {
            rule: rule.to_owned(),
            passed: refusal.is_none(),
            code: refusal.map(|refusal| refusal.code().to_owned()),
            detail: refusal.map(ToString::to_string),
            hint: refusal.and_then(Refusal::hint),
        }
    }
}
