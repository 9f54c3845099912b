//! What an upgrade would do, decided before anything is done: a pure function of facts and rules.

mod carrying;
mod facts;
mod inventory;
mod name;
mod refusal;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::carrying::Carrying;
pub use self::facts::{PackageFacts, TreeFacts};
pub use self::inventory::{Installed, InstalledPackage, Inventory};
pub use self::refusal::{Finding, Refusal};
use self::refusal::{RULES, needed};
use super::Step;
use crate::system::{DEFAULT_TRIES, EnvName, RightsPolicy};

/// How an upgrade goes over several machines; on one they are all the same work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// All at once; nothing is served meanwhile.
    Simultaneous,
    /// One after the other.
    #[default]
    Rolling,
    /// One of each neighborhood at a time.
    Parallel,
}

impl Mode {
    /// The word used in journals, tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simultaneous => "simultaneous",
            Self::Rolling => "rolling",
            Self::Parallel => "parallel",
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What the operator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How it goes over several machines.
    pub mode: Mode,
    /// What the new environment is to be called; else it is called after the package.
    pub environment: Option<EnvName>,
    /// How often the new environment is started before it is given up.
    pub tries: u32,
    /// Why a package below the floor should be installed all the same.
    pub allow_downgrade: Option<String>,
    /// What comes over, and what boots.
    pub carrying: Carrying,
    /// Where an image may have what gives rights.
    pub rights: RightsPolicy,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            environment: None,
            tries: DEFAULT_TRIES,
            allow_downgrade: None,
            carrying: Carrying::default(),
            rights: RightsPolicy::default(),
        }
    }
}

/// What an upgrade will do; written into its journal before it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The image.
    pub package: PackageFacts,
    /// What runs now.
    pub from: Option<Installed>,
    /// The environment that will be made.
    pub environment: EnvName,
    /// The environment that started by default before.
    pub previous: Option<EnvName>,
    /// How it goes over several machines.
    pub mode: Mode,
    /// How often the new environment is started before it is given up.
    pub tries: u32,
    /// Bytes that have to be free.
    pub needed: u64,
    /// Bytes that were free.
    pub free: u64,
    /// Why a package below the floor is installed all the same.
    pub allow_downgrade: Option<String>,
    /// What comes over, and what boots.
    #[serde(default)]
    pub carrying: Carrying,
    /// What is worth knowing beforehand and keeps nobody from going on.
    pub advice: Vec<Advice>,
    /// What will be done, in this order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The environment that configuration and local files come from.
    pub fn parent(&self) -> Option<&EnvName> {
        let running = self.from.as_ref().map(|image| &image.environment);
        running.or(self.previous.as_ref())
    }
}

/// Something worth knowing before an upgrade begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// Stable code.
    pub code: String,
    /// One sentence.
    pub text: String,
}

/// Decides what an upgrade would do, or why it cannot be.
pub fn plan(inventory: &Inventory, package: &PackageFacts, rules: &Rules) -> Result<Plan, Refusal> {
    for rule in &RULES {
        if let Some(refusal) = (rule.check)(inventory, package, rules) {
            return Err(refusal);
        }
    }
    let taken = &inventory.environments;
    let environment = match &rules.environment {
        Some(name) => name.clone(),
        None => name::free_name(package, taken)?,
    };
    Ok(Plan {
        from: inventory.installed.clone(),
        environment,
        previous: inventory.default.clone(),
        mode: rules.mode,
        tries: rules.tries,
        needed: needed(inventory, package, rules),
        free: inventory.free_space,
        allow_downgrade: rules.allow_downgrade.clone(),
        carrying: rules.carrying.clone(),
        advice: advice(inventory, package, rules),
        steps: Step::UPGRADE.to_vec(),
        package: package.clone(),
    })
}

/// Looks at every rule, whether those before it are met or not.
pub fn assess(inventory: &Inventory, package: &PackageFacts, rules: &Rules) -> Vec<Finding> {
    let look = |rule: &refusal::Rule| {
        let refusal = (rule.check)(inventory, package, rules);
        Finding::new(rule.name, refusal.as_ref())
    };
    RULES.iter().map(look).collect()
}

/// What is worth knowing before an upgrade begins, though it keeps nobody from it.
pub fn advice(inventory: &Inventory, package: &PackageFacts, rules: &Rules) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut say = |code: &str, text: String| {
        let code = code.to_owned();
        advice.push(Advice { code, text });
    };
    let installed = inventory.installed.as_ref();
    if installed.is_some_and(|installed| installed.id == Some(package.id)) {
        say("W_SAME_IMAGE", "this image is installed already".to_owned());
    }
    if let Some(installed) =
        installed.filter(|installed| installed.version.rank(&package.version).is_gt())
    {
        let (old, new) = (&installed.version, &package.version);
        say(
            "W_OLDER",
            format!("{new} is older than {old}, which is installed"),
        );
    }
    if let Some(reason) = &rules.allow_downgrade {
        say(
            "W_DOWNGRADE",
            format!("a package below the floor is let in: {reason}"),
        );
    }
    if !package.rollback {
        say(
            "W_NO_ROLLBACK",
            "its vendor says that there is no way back after it has started".to_owned(),
        );
    }
    advice
}
