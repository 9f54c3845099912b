//! Health checks that came with a package: programs that tell whether the system that runs is well.
//!
//! They are put beside the environment when it is made, with their digests, so that the booted system
//! needs neither the catalog nor the package to be judged. A check passes when it ends with 0.
//!
//! # Threats met here
//!
//! - A check is replaced after it was verified: the digest is compared before it runs, and the bytes that
//!   were compared are the bytes that run.
//! - A check hangs, and with it the machine: each has a time limit, and one that reaches it has failed.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hook::{MAX_PROGRAM, OUTPUT_LIMIT, Report};
use super::layout::CHECKS;
use super::{EnvName, SYSTEM_SCHEMA, System, SystemError, json};
use crate::digest::Sha256Digest;
use crate::fsio::{Dir, End, Program, with_causes};
use crate::progress::Progress;

/// A health check to be kept beside an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// Its name, as its package says.
    pub name: String,
    /// The program.
    pub content: Vec<u8>,
}

/// What a health check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// Who wrote it.
    pub by: CheckedBy,
    /// Whether all is well.
    pub passed: bool,
    /// Stable code if not.
    pub code: Option<String>,
    /// One sentence.
    pub detail: String,
    /// What to do about it, if there is anything.
    #[serde(default)]
    pub hint: Option<String>,
    /// What a program printed.
    pub output: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// Who wrote a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckedBy {
    /// It is part of this program.
    BuiltIn,
    /// It came with the package.
    Package,
}

/// Most health checks of one package.
pub const MAX_CHECKS: usize = 64;

/// The list of one environment's checks.
const LIST: &str = "list.json";

/// What is in a list.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    schema: u32,
    checks: Vec<Listed>,
}

/// A check whose file is named after its place in the list, from 0 on.
#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    name: String,
    sha256: Sha256Digest,
}

impl System {
    /// Keeps the health checks of an environment, instead of those it had; needs the lock.
    pub fn store_checks(&self, name: &EnvName, checks: &[HealthCheck]) -> Result<(), SystemError> {
        self.forget_checks(name)?;
        if checks.is_empty() {
            return Ok(());
        }
        let all = self.directory(CHECKS)?;
        all.create_dir(name.as_str(), 0o700)?;
        let own = all.open_dir(name.as_str())?;
        let mut list = List {
            schema: SYSTEM_SCHEMA,
            checks: Vec::new(),
        };
        for (number, check) in checks.iter().enumerate() {
            own.replace_file(number.to_string(), &check.content, 0o400)?;
            list.checks.push(Listed {
                name: check.name.clone(),
                sha256: Sha256Digest::of(&check.content),
            });
        }
        json::write(&own, LIST, &list, 0o400)?;
        all.sync()?;
        Ok(())
    }

    /// Removes the health checks of an environment; needs the lock.
    pub fn forget_checks(&self, name: &EnvName) -> Result<(), SystemError> {
        match self.directory(CHECKS)?.remove_tree(name.as_str()) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The health checks of an environment, in their order, as they were kept.
    pub fn checks(&self, name: &EnvName) -> Result<Vec<HealthCheck>, SystemError> {
        let path = Path::new(CHECKS).join(name.as_str());
        let own = match self.root().open_dir(&path) {
            Ok(own) => own,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let list: Option<List> = json::read(&own, LIST)?;
        let list = list.ok_or_else(|| SystemError::Damaged {
            path: own.path().join(LIST),
            detail: "it is missing".to_owned(),
        })?;
        let mut checks = Vec::new();
        for (number, Listed { name, sha256 }) in list.checks.into_iter().enumerate() {
            let file = number.to_string();
            let content = own.read_bounded(&file, MAX_PROGRAM)?;
            let found = Sha256Digest::of(&content);
            if found != sha256 {
                let path = own.path().join(file);
                let detail = format!("its SHA-256 is {found}: expected {sha256}");
                return Err(SystemError::Damaged { path, detail });
            }
            checks.push(HealthCheck { name, content });
        }
        Ok(checks)
    }

    /// Runs the health checks of an environment, in their order, and tells what each found.
    ///
    /// Without `root` they see the running system, which has to be that environment. Where one was
    /// changed, none runs.
    pub fn run_checks(
        &self,
        name: &EnvName,
        root: Option<&Dir>,
        time_limit: Duration,
        progress: &dyn Progress,
    ) -> Result<Vec<Checked>, SystemError> {
        let variables = [("ISI_ENVIRONMENT", name.as_str())];
        let checks = self.checks(name)?.into_iter();
        let ran = checks.map(|check| {
            let program = Program {
                name: &check.name,
                content: &check.content,
                variables: &variables,
                root,
                time_limit,
                output_limit: OUTPUT_LIMIT,
            };
            run(&program, progress)
        });
        ran.collect()
    }
}

impl Checked {
    /// A check of this program's own that found nothing wrong.
    pub fn passed(name: &str, detail: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            by: CheckedBy::BuiltIn,
            passed: true,
            code: None,
            detail: detail.into(),
            hint: None,
            output: String::new(),
            took_ms: 0,
        }
    }

    /// A check of this program's own that found something wrong.
    pub fn failed(name: &str, code: &str, detail: impl Into<String>) -> Self {
        Self {
            passed: false,
            code: Some(code.to_owned()),
            ..Self::passed(name, detail)
        }
    }
}

/// A check that cannot be run, or hangs, has failed; only the caller's own wish to stop is an error.
fn run(program: &Program<'_>, progress: &dyn Progress) -> Result<Checked, SystemError> {
    let name = program.name;
    let ran = match program.run(progress) {
        Ok(ran) => ran,
        Err(error) => {
            let detail = with_causes(&error);
            return Ok(Checked {
                by: CheckedBy::Package,
                hint: error.hint(),
                ..Checked::failed(name, "E_HEALTH_START", detail)
            });
        }
    };
    let code = match ran.end {
        End::Exited(0) => None,
        End::Exited(_) | End::Signal(_) => Some("E_HEALTH_FAILED"),
        End::TimeLimit => Some("E_HEALTH_TIME_LIMIT"),
        End::Cancelled => return Err(SystemError::Cancelled),
    };
    let report = Report::of(name.to_owned(), &ran);
    Ok(Checked {
        name: report.name,
        by: CheckedBy::Package,
        passed: report.passed,
        code: code.map(str::to_owned),
        detail: report.end,
        hint: None,
        output: report.output,
        took_ms: report.took_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::system::{StorageKind, TargetId, TimeLimits};

    fn system() -> (tempfile::TempDir, System) {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("system");
        let id = TargetId::from_bytes([7; 16]);
        let system = System::bootstrap(&root, Some(StorageKind::Dir), id).unwrap();
        (home, system)
    }

    fn check(name: &str, script: &str) -> HealthCheck {
        HealthCheck {
            name: name.to_owned(),
            content: format!("#!/bin/sh\n{script}\n").into_bytes(),
        }
    }

    fn name() -> EnvName {
        "new".parse().unwrap()
    }

    fn ran(system: &System) -> Vec<(String, Option<String>, String)> {
        ran_within(system, TimeLimits::default().check)
    }

    fn ran_within(system: &System, limit: Duration) -> Vec<(String, Option<String>, String)> {
        let found = system.run_checks(&name(), None, limit, &Silent).unwrap();
        assert!(found.iter().all(|check| check.by == CheckedBy::Package));
        assert!(
            found
                .iter()
                .all(|check| check.passed == check.code.is_none())
        );
        found
            .into_iter()
            .map(|one| (one.name, one.code, one.output))
            .collect()
    }

    #[test]
    fn checks_run_in_their_order_and_each_says_its_own() {
        let (_home, system) = system();
        assert_eq!(ran(&system), []);
        let checks = [
            check("web", "echo up in $ISI_ENVIRONMENT"),
            check("../../escape", "echo no >&2; exit 3"),
            HealthCheck {
                name: "nothing".into(),
                content: Vec::new(),
            },
        ];
        system.store_checks(&name(), &checks).unwrap();
        let found = ran(&system);
        let brief: Vec<_> = found
            .iter()
            .map(|(name, code, output)| (name.as_str(), code.as_deref(), output.as_str()))
            .collect();
        assert_eq!(
            brief,
            [
                ("web", None, "up in new\n"),
                ("../../escape", Some("E_HEALTH_FAILED"), "no\n"),
                ("nothing", Some("E_HEALTH_START"), ""),
            ]
        );
        system.store_checks(&name(), &checks[..1]).unwrap();
        assert_eq!(ran(&system).len(), 1);
        system.forget_checks(&name()).unwrap();
        assert_eq!(ran(&system), []);
    }

    #[test]
    fn a_check_that_hangs_is_ended_and_has_failed() {
        let (_home, system) = system();
        system
            .store_checks(&name(), &[check("hang", "sleep 600")])
            .unwrap();
        let found = ran_within(&system, Duration::from_millis(200));
        assert_eq!(found[0].1.as_deref(), Some("E_HEALTH_TIME_LIMIT"));
    }

    #[test]
    fn a_check_that_was_changed_is_not_run() {
        let (home, system) = system();
        let mark = home.path().join("mark");
        system
            .store_checks(&name(), &[check("web", "true")])
            .unwrap();
        let path = home.path().join("system/checks/new/0");
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
        let error = system
            .run_checks(&name(), None, TimeLimits::default().check, &Silent)
            .unwrap_err();
        assert_eq!(error.code(), "E_SYSTEM_DAMAGED");
        assert!(!mark.exists());
        // One that a newer version made is told as such, whatever it looks like.
        let list = path.with_file_name(LIST);
        for (text, code) in [
            (r#"{"schema":2,"new":[]}"#, "E_SYSTEM_NEWER"),
            (r#"{"schema":1,"new":[]}"#, "E_SYSTEM_DAMAGED"),
        ] {
            std::fs::remove_file(&list).unwrap();
            std::fs::write(&list, text).unwrap();
            assert_eq!(system.checks(&name()).unwrap_err().code(), code);
        }
        std::fs::remove_file(&list).unwrap();
        assert_eq!(
            system.checks(&name()).unwrap_err().code(),
            "E_SYSTEM_DAMAGED"
        );
    }
}
