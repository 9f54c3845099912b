//! A system: a root with boot environments, what the boot loader reads, and what is known of them.
//!
//! Normative text: `format-spec/system.md`.
//!
//! # Threats met here
//!
//! - The power goes, or the process is killed: an environment gets its name when it is whole, the default
//!   changes by one rename, a counter by another. Between any two steps there is something to boot.
//! - An environment that is there has the name of a new one: it is refused and not touched.
//! - An environment that does not work is booted for ever: each has its tries, and then the newest good one
//!   is booted.
//! - Something is mounted in an environment that is removed: nothing is removed across a mount point.
//! - A link is planted below the root: names are looked up below open handles, and no link is followed.

mod carry;
mod conflicts;
mod error;
mod health;
mod hook;
pub mod installed;
mod json;
mod kernel;
pub(crate) mod layout;
mod limits;
mod lists;
pub mod loader;
mod lock;
mod merge;
mod name;
mod opened;
mod record;
mod rights;
mod state;
pub mod storage;

pub use self::carry::{CarryError, CarryReport, CarryRequest, VOLATILE, bytes_to_carry, carry};
pub use self::conflicts::{Choice, Conflict, Conflicts, resolve};
pub use self::error::SystemError;
pub use self::health::{Checked, CheckedBy, HealthCheck, MAX_CHECKS};
pub use self::hook::{
    Hook, HookError, HookFacts, MAX_PROGRAM, OUTPUT_LIMIT, Phase, Report, hooks, run_hooks,
};
pub use self::kernel::{
    KernelChoice, KernelError, KernelFiles, KernelsBefore, choose, install_kernels, kernel_bytes,
    kernels,
};
pub use self::limits::TimeLimits;
pub use self::lists::{Lists, ListsError};
pub use self::loader::{DEFAULT_TRIES, MAX_TRIES, WhichKernel};
pub use self::lock::Held;
pub use self::merge::ConflictKind;
pub use self::name::{EnvName, EnvNameError, MAX_ENV_NAME};
pub use self::opened::{Activation, Beginning, Environment, FreeSpace, Role, Selected, System};
pub use self::record::{Boot, OldKernel, Record};
pub use self::rights::{Right, RightAt, RightsPolicy, rights_in};
pub use self::state::{Image, Origin, SYSTEM_SCHEMA, State, TargetId, TargetIdError};
pub use self::storage::{Storage, StorageKind};
