use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::ConfigError;
use super::file::ConfigFile;
use super::key::Key;
use super::policy::UpgradePolicy;
use crate::fsio;
use crate::payload::lists::PathPattern;
use crate::service::Paths;
use crate::system::{RightsPolicy, TimeLimits};
use crate::trust::TrustPaths;

/// What one caller gave, by flags or by the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Puts everything below one directory.
    pub home: Option<PathBuf>,
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// The catalog directory.
    pub catalog: Option<PathBuf>,
    /// The directory that everything trusted is in.
    pub trust: Option<PathBuf>,
    /// The directory of the machine's own system; only the environment names it.
    pub system: Option<PathBuf>,
    /// Longest wait for others who use the catalog.
    pub lock_timeout: Option<Duration>,
    /// How long each hook of an image may take; only the environment says it.
    pub hook_timeout: Option<Duration>,
    /// How long each health check of an image may take; only the environment says it.
    pub health_timeout: Option<Duration>,
}

impl Given {
    /// What it says besides paths.
    fn without_paths(&self) -> Self {
        Self {
            lock_timeout: self.lock_timeout,
            hook_timeout: self.hook_timeout,
            health_timeout: self.health_timeout,
            ..Self::default()
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The flag of this name.
    Flag(&'static str),
    /// The environment variable of this name.
    Environment(&'static str),
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// Nobody said anything: the usual value.
    Default,
}

/// A value, and who wants it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from; what follows from another value has the origin of that.
    pub origin: Origin,
}

/// Everything that is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The directory that everything is below, unless the places of the system are meant.
    pub home: Option<Setting<PathBuf>>,
    /// The configuration file.
    pub config: Setting<PathBuf>,
    /// Whether that file is there.
    pub config_exists: bool,
    /// The catalog directory.
    pub catalog: Setting<PathBuf>,
    /// The directory that everything trusted is in, unless it is named itself.
    pub trust: Setting<PathBuf>,
    /// The directory of package anchors.
    pub certs: Setting<PathBuf>,
    /// The directory of anchors of timestamp authorities.
    pub tsa_certs: Setting<PathBuf>,
    /// The directory of revocation lists.
    pub crls: Setting<PathBuf>,
    /// The identities file.
    pub identities: Setting<PathBuf>,
    /// The directory of the machine's own system.
    pub system: Setting<PathBuf>,
    /// The directories of the systems of jails, by the names of the jails.
    pub jails: BTreeMap<String, Setting<PathBuf>>,
    /// Longest wait for others who use the catalog.
    pub lock_timeout: Setting<Duration>,
    /// What an upgrade leaves alone on this machine.
    pub skip: Setting<Vec<PathPattern>>,
    /// Which kernel is booted; nothing: what is usual.
    pub kernel: Setting<Option<String>>,
    /// Where an image may have device nodes.
    pub devices: Setting<Vec<PathPattern>>,
    /// Where an image may have programs with rights of their own.
    pub privileged: Setting<Vec<PathPattern>>,
    /// How long each hook of an image may take.
    pub hook_timeout: Setting<Duration>,
    /// How long each health check of an image may take.
    pub health_timeout: Setting<Duration>,
}

/// Longest wait for others unless it is configured.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// Name of the configuration file in its directory.
const FILE_NAME: &str = "upgrade.toml";
/// Where the system keeps its catalog.
const SYSTEM_STATE: &str = "/var/lib/isi";
/// Where the system keeps configuration and trust.
const SYSTEM_CONFIGURATION: &str = "/etc/isi";

impl Settings {
    /// Puts together what flags, environment and file say, in this order, and what is usual.
    ///
    /// The flag `--home` also outweighs every path that the environment names; and whoever names the
    /// directory of trust by flag or environment means everything in it, whatever the file says of its
    /// parts.
    pub fn resolve(flags: &Given, environment: &Given) -> Result<Self, ConfigError> {
        let environment = &match flags.home {
            None => environment.clone(),
            Some(_) => environment.without_paths(),
        };
        let home = given(
            flags.home.as_ref(),
            "--home",
            environment.home.as_ref(),
            "ISI_HOME",
        );
        let named = given(
            flags.config.as_ref(),
            "--config",
            environment.config.as_ref(),
            "ISI_CONFIG",
        );
        let must_exist = named.is_some();
        let config = named.unwrap_or_else(|| below(home.as_ref(), SYSTEM_CONFIGURATION, FILE_NAME));
        let (file, config_exists) = read_file(&config.value, must_exist)?;
        let of_file = |key| {
            file.path(key).map(|entry| Setting {
                value: entry.value.clone(),
                origin: config.line(entry.line),
            })
        };
        let given_catalog = given(
            flags.catalog.as_ref(),
            "--catalog",
            environment.catalog.as_ref(),
            "ISI_CATALOG",
        );
        let catalog = given_catalog
            .or_else(|| of_file(Key::Catalog))
            .unwrap_or_else(|| below(home.as_ref(), SYSTEM_STATE, "catalog"));
        let given_trust = given(
            flags.trust.as_ref(),
            "--trust",
            environment.trust.as_ref(),
            "ISI_TRUST",
        );
        let outweighed = given_trust.is_some();
        let trust = given_trust
            .or_else(|| of_file(Key::Trust))
            .unwrap_or_else(|| below(home.as_ref(), SYSTEM_CONFIGURATION, "trust"));
        let part = |key, name: &str| {
            let named = of_file(key).filter(|_| !outweighed);
            named.unwrap_or_else(|| trust.below(name))
        };
        let given_system = given(None, "", environment.system.as_ref(), "ISI_SYSTEM");
        let system = given_system
            .or_else(|| of_file(Key::System))
            .unwrap_or_else(|| below(home.as_ref(), SYSTEM_STATE, "system"));
        let duration = |key, given: fn(&Given) -> Option<Duration>, usual| {
            duration(
                key,
                [given(flags), given(environment)],
                usual,
                &file,
                &config,
            )
        };
        let limits = TimeLimits::default();
        let usual = RightsPolicy::default();
        let patterns = |key, usual: &[PathPattern]| patterns(key, usual, &file, &config);
        let kernel = Setting {
            value: file.kernel().map(|entry| entry.value.clone()),
            origin: (file.kernel()).map_or(Origin::Default, |entry| config.line(entry.line)),
        };
        Ok(Self {
            skip: patterns(Key::Skip, &[]),
            devices: patterns(Key::Devices, usual.devices.patterns()),
            privileged: patterns(Key::Privileged, usual.privileged.patterns()),
            kernel,
            certs: part(Key::Certs, "certs"),
            tsa_certs: part(Key::TsaCerts, "tsa-certs"),
            crls: part(Key::Crls, "crls"),
            identities: part(Key::Identities, "identities.toml"),
            home,
            config_exists,
            catalog,
            trust,
            system,
            jails: jails(&file, &config),
            lock_timeout: duration(Key::LockTimeout, |given| given.lock_timeout, LOCK_TIMEOUT),
            hook_timeout: duration(Key::HookTimeout, |given| given.hook_timeout, limits.hook),
            health_timeout: duration(
                Key::HealthTimeout,
                |given| given.health_timeout,
                limits.check,
            ),
            config,
        })
    }

    /// Where everything is kept.
    ///
    /// The directories of timestamp authorities and of revocation lists need not be there, unless the
    /// file names them: then they are demanded.
    pub fn paths(&self) -> Paths {
        Paths {
            catalog: self.catalog.value.clone(),
            trust: TrustPaths {
                directory: Some(self.trust.value.clone()),
                certs: self.certs.value.clone(),
                tsa_certs: self.optional(&self.tsa_certs),
                crls: self.optional(&self.crls),
                identities: self.identities.value.clone(),
            },
            system: self.system.value.clone(),
            jails: (self.jails.iter())
                .map(|(name, jail)| (name.clone(), jail.value.clone()))
                .collect(),
        }
    }

    /// What the administrator says of upgrades.
    pub fn policy(&self) -> UpgradePolicy {
        let list = |setting: &Setting<Vec<PathPattern>>| setting.value.iter().cloned().collect();
        UpgradePolicy {
            skip: self.skip.value.clone(),
            kernel: self.kernel.value.clone(),
            rights: RightsPolicy {
                devices: list(&self.devices),
                privileged: list(&self.privileged),
            },
            limits: TimeLimits {
                hook: self.hook_timeout.value,
                check: self.health_timeout.value,
            },
        }
    }

    fn optional(&self, directory: &Setting<PathBuf>) -> Option<PathBuf> {
        let follows = directory.value.parent() == Some(self.trust.value.as_path())
            && directory.origin == self.trust.origin;
        // What is there and cannot be used, a broken link for one, is an error once it is opened.
        let is_there = !follows || fsio::is_there(&directory.value).unwrap_or(true);
        is_there.then(|| directory.value.clone())
    }
}

impl Setting<PathBuf> {
    fn below(&self, name: &str) -> Self {
        Self {
            value: self.value.join(name),
            origin: self.origin.clone(),
        }
    }

    /// A line of this file.
    fn line(&self, line: usize) -> Origin {
        Origin::File {
            path: self.value.clone(),
            line,
        }
    }
}

/// What the configuration file says, and whether it is there; unless it must be, it says nothing then.
fn read_file(path: &Path, must_exist: bool) -> Result<(ConfigFile, bool), ConfigError> {
    if fsio::is_there(path)? {
        tracing::info!("configuration: {}", path.display());
        return Ok((ConfigFile::read(path)?, true));
    }
    if must_exist {
        let path = path.to_owned();
        return Err(ConfigError::Missing { path });
    }
    tracing::info!("configuration: {}, which is not there", path.display());
    Ok((ConfigFile::default(), false))
}

fn given(
    flag: Option<&PathBuf>,
    flag_name: &'static str,
    variable: Option<&PathBuf>,
    variable_name: &'static str,
) -> Option<Setting<PathBuf>> {
    let (value, origin) = match (flag, variable) {
        (Some(flag), _) => (flag, Origin::Flag(flag_name)),
        (None, Some(variable)) => (variable, Origin::Environment(variable_name)),
        (None, None) => return None,
    };
    Some(Setting {
        value: value.clone(),
        origin,
    })
}

/// A name in the home, or else in a place of the system.
fn below(home: Option<&Setting<PathBuf>>, system: &str, name: &str) -> Setting<PathBuf> {
    match home {
        Some(home) => home.below(name),
        None => Setting {
            value: Path::new(system).join(name),
            origin: Origin::Default,
        },
    }
}

/// The directories of the systems of jails.
fn jails(file: &ConfigFile, config: &Setting<PathBuf>) -> BTreeMap<String, Setting<PathBuf>> {
    let jails = file.jails().map(|(name, entry)| {
        let value = entry.value.clone();
        let origin = config.line(entry.line);
        (name.clone(), Setting { value, origin })
    });
    jails.collect()
}

/// What flag and variable say, else the file, else what is usual.
fn duration(
    key: Key,
    [flag, variable]: [Option<Duration>; 2],
    usual: Duration,
    file: &ConfigFile,
    config: &Setting<PathBuf>,
) -> Setting<Duration> {
    let of_flag = flag.zip(key.flag().map(Origin::Flag));
    let of_variable = variable.zip(key.variable().map(Origin::Environment));
    let of_file = file.duration(key);
    let of_file = of_file.map(|entry| (entry.value, config.line(entry.line)));
    let given = of_flag.or(of_variable).or(of_file);
    let (value, origin) = given.unwrap_or((usual, Origin::Default));
    Setting { value, origin }
}

/// Patterns of the file, or those that are usual.
fn patterns(
    key: Key,
    usual: &[PathPattern],
    file: &ConfigFile,
    config: &Setting<PathBuf>,
) -> Setting<Vec<PathPattern>> {
    match file.patterns(key) {
        Some(entry) => Setting {
            value: entry.value.clone(),
            origin: config.line(entry.line),
        },
        None => Setting {
            value: usual.to_vec(),
            origin: Origin::Default,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home with a configuration file of this text.
    fn home(text: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("upgrade.toml"), text).unwrap();
        home
    }

    fn at(home: &Path) -> Given {
        Given {
            home: Some(home.to_owned()),
            ..Given::default()
        }
    }

    fn catalog(path: &str) -> Given {
        Given {
            catalog: Some(path.into()),
            ..Given::default()
        }
    }

    fn trust(path: &str) -> Given {
        Given {
            trust: Some(path.into()),
            ..Given::default()
        }
    }

    fn resolve(flags: &Given, environment: &Given) -> Settings {
        Settings::resolve(flags, environment).unwrap()
    }

    #[test]
    fn home_moves_every_path() {
        let settings = resolve(&at(Path::new("/nowhere")), &Given::default());
        assert_eq!(settings.config.value, Path::new("/nowhere/upgrade.toml"));
        assert!(!settings.config_exists);
        assert_eq!(settings.catalog.value, Path::new("/nowhere/catalog"));
        for (part, name) in [
            (&settings.certs, "certs"),
            (&settings.tsa_certs, "tsa-certs"),
            (&settings.crls, "crls"),
            (&settings.identities, "identities.toml"),
        ] {
            assert_eq!(part.value, Path::new("/nowhere/trust").join(name));
            assert_eq!(part.origin, Origin::Flag("--home"));
        }
        assert_eq!(settings.lock_timeout.value, Duration::from_secs(30));
        assert_eq!(settings.lock_timeout.origin, Origin::Default);
    }

    #[test]
    fn flags_over_environment_over_file_over_default() {
        let place = home("[paths]\ncatalog = \"of-file\"\n[catalog]\nlock_timeout = \"1m\"\n");
        let of_home = at(place.path());
        let with = |given: Given| Given {
            home: of_home.home.clone(),
            ..given
        };
        let settings = resolve(&Given::default(), &of_home);
        let file = |line| Origin::File {
            path: place.path().join("upgrade.toml"),
            line,
        };
        assert_eq!(settings.catalog.value, place.path().join("of-file"));
        assert_eq!(settings.catalog.origin, file(2));
        assert_eq!(settings.lock_timeout.origin, file(4));
        assert_eq!(settings.trust.origin, Origin::Environment("ISI_HOME"));
        let settings = resolve(&Given::default(), &with(catalog("/e")));
        assert_eq!(settings.catalog.value, Path::new("/e"));
        assert_eq!(settings.catalog.origin, Origin::Environment("ISI_CATALOG"));
        let of_environment = Given {
            system: Some("/s".into()),
            ..of_home.clone()
        };
        let settings = resolve(&Given::default(), &of_environment);
        assert_eq!(settings.system.value, Path::new("/s"));
        assert_eq!(settings.system.origin, Origin::Environment("ISI_SYSTEM"));
        let settings = resolve(&catalog("/f"), &with(catalog("/e")));
        assert_eq!(settings.catalog.value, Path::new("/f"));
        assert_eq!(settings.catalog.origin, Origin::Flag("--catalog"));
        let wait = |seconds| Given {
            lock_timeout: Some(Duration::from_secs(seconds)),
            ..of_home.clone()
        };
        let settings = resolve(&Given::default(), &wait(2));
        assert_eq!(settings.lock_timeout.value.as_secs(), 2);
        assert_eq!(resolve(&wait(1), &wait(2)).lock_timeout.value.as_secs(), 1);
    }

    #[test]
    fn a_home_on_the_command_line_outweighs_every_path_of_the_environment() {
        let environment = Given {
            config: Some("/nowhere/else.toml".into()),
            catalog: Some("/e".into()),
            trust: Some("/t".into()),
            system: Some("/s".into()),
            lock_timeout: Some(Duration::from_secs(7)),
            hook_timeout: Some(Duration::from_secs(8)),
            health_timeout: Some(Duration::from_secs(9)),
            home: Some("/other".into()),
        };
        let settings = resolve(&at(Path::new("/nowhere")), &environment);
        assert_eq!(settings.catalog.value, Path::new("/nowhere/catalog"));
        assert_eq!(settings.trust.value, Path::new("/nowhere/trust"));
        assert_eq!(settings.system.value, Path::new("/nowhere/system"));
        assert_eq!(settings.config.value, Path::new("/nowhere/upgrade.toml"));
        assert_eq!(settings.lock_timeout.value.as_secs(), 7);
        let limits = settings.policy().limits;
        assert_eq!((limits.hook.as_secs(), limits.check.as_secs()), (8, 9));
    }

    #[test]
    fn how_long_programs_may_take_is_said_by_the_environment_or_the_file() {
        let usual = resolve(&at(Path::new("/nowhere")), &Given::default());
        assert_eq!(usual.policy().limits, TimeLimits::default());
        assert_eq!(usual.hook_timeout.origin, Origin::Default);
        let place = home("upgrade.hook_timeout = \"1h\"\nupgrade.health_timeout = \"5s\"\n");
        let environment = Given {
            health_timeout: Some(Duration::from_secs(7)),
            ..Given::default()
        };
        let settings = resolve(&at(place.path()), &environment);
        let file = Origin::File {
            path: place.path().join("upgrade.toml"),
            line: 1,
        };
        assert_eq!(settings.hook_timeout.origin, file);
        let origin = Origin::Environment("ISI_HEALTH_TIMEOUT");
        assert_eq!(settings.health_timeout.origin, origin);
        let limits = settings.policy().limits;
        assert_eq!((limits.hook.as_secs(), limits.check.as_secs()), (3600, 7));
    }

    #[test]
    fn whoever_names_the_directory_of_trust_means_all_of_it() {
        let place = home("[paths]\ntrust = \"t\"\ncerts = \"c\"\n");
        let settings = resolve(&at(place.path()), &Given::default());
        assert_eq!(settings.certs.value, place.path().join("c"));
        assert_eq!(settings.crls.value, place.path().join("t/crls"));
        let named = Given {
            home: Some(place.path().to_owned()),
            ..trust("/named")
        };
        for (flags, environment) in [
            (named.clone(), Given::default()),
            (Given::default(), named.clone()),
        ] {
            let settings = resolve(&flags, &environment);
            assert_eq!(settings.certs.value, Path::new("/named/certs"));
            assert_eq!(settings.certs.origin, settings.trust.origin);
        }
    }

    #[test]
    fn the_file_that_is_named_must_be_there() {
        let named = Given {
            config: Some("/nowhere/upgrade.toml".into()),
            ..Given::default()
        };
        for (flags, environment) in [
            (named.clone(), Given::default()),
            (Given::default(), named.clone()),
        ] {
            let error = Settings::resolve(&flags, &environment).unwrap_err();
            assert_eq!(error.code(), "E_CONFIG_MISSING");
        }
    }

    #[test]
    fn a_link_to_nowhere_is_no_missing_file() {
        let place = tempfile::tempdir().unwrap();
        let link = place.path().join("upgrade.toml");
        std::os::unix::fs::symlink("nowhere", link).unwrap();
        let error = Settings::resolve(&at(place.path()), &Given::default()).unwrap_err();
        assert_eq!(error.code(), "E_IO");
    }

    #[test]
    fn lists_and_authorities_may_be_missing_unless_they_are_named() {
        let place = home("[paths]\ncrls = \"trust/crls\"\n");
        let paths = resolve(&at(place.path()), &Given::default()).paths();
        assert_eq!(paths.trust.tsa_certs, None);
        assert_eq!(paths.trust.crls, Some(place.path().join("trust/crls")));
        let place = home("");
        std::fs::create_dir(place.path().join("trust")).unwrap();
        let broken = place.path().join("trust/crls");
        std::os::unix::fs::symlink("nowhere", &broken).unwrap();
        let paths = resolve(&at(place.path()), &Given::default()).paths();
        // A link to a file system that is not mounted must not read as "nothing is revoked".
        assert_eq!(paths.trust.crls, Some(broken));
        assert_eq!(paths.trust.tsa_certs, None);
    }
}
