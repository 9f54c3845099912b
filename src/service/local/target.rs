use std::path::PathBuf;

use super::Local;
use crate::service::{Call, ServiceError, Target};
use crate::system::{EnvName, Held, StorageKind, System, TargetId};
use crate::trust::{TrustPaths, TrustStore};

/// Where containers are kept by those who start them.
const MACHINES: &str = "/var/lib/machines";

impl Local {
    /// The directory of a system.
    pub(super) fn root_of(&self, target: &Target) -> Result<PathBuf, ServiceError> {
        match target {
            Target::Machine => Ok(self.paths.system.clone()),
            Target::Root(root) => Ok(root.clone()),
            Target::Jail(name) => match self.paths.jails.get(name) {
                Some(root) => Ok(root.clone()),
                // A name that leads elsewhere is none.
                None => match name.parse::<EnvName>() {
                    Ok(name) => Ok(PathBuf::from(MACHINES).join(name.as_str())),
                    Err(_) => Err(ServiceError::Jail { name: name.clone() }),
                },
            },
        }
    }

    /// A system, opened.
    pub(super) fn system(&self, target: &Target) -> Result<System, ServiceError> {
        Ok(System::open(&self.root_of(target)?)?)
    }

    /// A system, opened; a directory that is empty or missing becomes one first.
    ///
    /// What is trusted for another system than the machine's own is copied into it then, unless somebody put
    /// something else there.
    pub(super) fn system_or_new(
        &self,
        target: &Target,
        storage: Option<StorageKind>,
    ) -> Result<System, ServiceError> {
        let root = self.root_of(target)?;
        if System::is_at(&root)? {
            return Ok(System::open(&root)?);
        }
        let id = TargetId::from_bytes(crate::fsio::random_bytes()?);
        let trust = (*target != Target::Machine).then_some(&self.paths.trust);
        Ok(System::bootstrap_with_trust(&root, storage, id, trust)?)
    }

    /// What is trusted for a system: its own, or the host's while it is none yet; and the key that it signs
    /// images of itself with.
    pub fn trust_of(&self, target: &Target) -> Result<TrustStore, ServiceError> {
        let trust = TrustStore::load(&self.trust_paths_of(target)?)?;
        let own = self.root_of(target)?.join(LOCAL_KEY);
        Ok(if crate::fsio::is_there(&own)? {
            trust.with_local(&own)?
        } else {
            trust
        })
    }

    /// Where that is.
    pub(super) fn trust_paths_of(&self, target: &Target) -> Result<TrustPaths, ServiceError> {
        let root = self.root_of(target)?;
        let trust = root.join(TRUST);
        let is_own =
            *target != Target::Machine && (crate::fsio::is_there(&trust)? || System::is_at(&root)?);
        if !is_own {
            return Ok(self.paths.trust.clone());
        }
        let part = |name: &str| trust.join(name);
        let optional = |name: &str| {
            // A link to nowhere counts as being there, so that it is not "nothing is revoked".
            let is_there = crate::fsio::is_there(&part(name)).unwrap_or(true);
            is_there.then(|| part(name))
        };
        Ok(TrustPaths {
            directory: Some(trust.clone()),
            certs: part("certs"),
            tsa_certs: optional("tsa-certs"),
            crls: optional("crls"),
            identities: part("identities.toml"),
        })
    }

    /// Keeps every other changer of a system out.
    pub(super) fn hold(&self, system: &System, call: &Call<'_>) -> Result<Held, ServiceError> {
        Ok(system.lock(self.lock_timeout, call.observer)?)
    }

    /// The environment that was booted, where it may be one of this system's.
    pub(super) fn booted_of(&self, target: &Target) -> Option<&EnvName> {
        self.booted.as_ref().filter(|_| *target == Target::Machine)
    }
}

/// Where a system keeps the key that it signs images of itself with.
const LOCAL_KEY: &str = "local-key";
/// Where a system keeps what is trusted for it.
const TRUST: &str = "trust";
