use super::Machine;
use crate::release::Version;
use crate::system::{EnvName, KernelsBefore, Origin, State};
use crate::upgrade::{Installed, Inventory, UpgradeError};

/// What a plan needs to know of this machine.
pub(super) fn of(machine: &Machine<'_>) -> Result<Inventory, UpgradeError> {
    let system = machine.system;
    let state = system.state()?;
    let mut environments = system.storage().names()?;
    environments.extend(system.storage().unfinished()?);
    let free = system.free_space()?;
    Ok(Inventory {
        target: state.target.to_string(),
        architecture: machine.architecture.clone(),
        installed: installed(machine, &state)?,
        packages: Vec::new(),
        floors: state.floors,
        environments,
        default: system.loader().default()?,
        free_space: free.environments,
        free_for_kernels: free.kernels,
        carried: 0,
        kernels: KernelsBefore::default(),
    })
}

/// The image that runs; where nothing was started yet, the one that is committed.
fn installed(machine: &Machine<'_>, state: &State) -> Result<Option<Installed>, UpgradeError> {
    if let Some(running) = machine.running()? {
        let record = machine.system.record(&running)?;
        let origin = record.and_then(|record| record.origin);
        return Ok(origin.and_then(|origin| image(&origin, &running)));
    }
    let committed = state.committed.as_ref();
    Ok(committed.and_then(|image_of| image(&image_of.origin, &image_of.environment)))
}

fn image(origin: &Origin, environment: &EnvName) -> Option<Installed> {
    // A version that cannot be read cannot be compared: then nothing is known to be installed.
    let version: Version = origin.version.parse().ok()?;
    Some(Installed {
        id: Some(origin.package),
        name: origin.name.clone(),
        version,
        build: origin.build.clone(),
        product: origin.product.clone(),
        release_counter: origin.release_counter,
        environment: environment.clone(),
    })
}
