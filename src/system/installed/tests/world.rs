//! An image, and a root that it was unpacked into.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::super::{
    Action, Aspect, Class, Comparison, Depth, Expected, Extra, FixOptions, FixPlan, InstalledError,
    Local, Report, Restored, Scope, apply, compare, plan,
};
use crate::fsio::{Attributes, Dir, set_file_attributes};
use crate::payload::{BuiltTree, Members, TreeOptions, UnpackOptions, build_tree, unpack};
use crate::progress::Silent;

/// Everything that a test needs; gone when dropped.
pub(super) struct World {
    pub(super) home: tempfile::TempDir,
    pub(super) root: Dir,
    pub(super) payload: Vec<u8>,
    pub(super) built: BuiltTree,
    pub(super) local: Local,
}

impl World {
    /// An image with one of everything, installed.
    pub(super) fn new() -> Self {
        let source = tempfile::tempdir().unwrap();
        let tree = Dir::open(source.path()).unwrap();
        for name in [
            "etc",
            "usr",
            "usr/bin",
            "usr/lib",
            "usr/lib/empty",
            "var",
            "var/lib",
        ] {
            tree.create_dir(name, 0o755).unwrap();
        }
        write(&tree, "etc/conf", b"as shipped\n", 0o644);
        write(&tree, "usr/bin/sh", &vec![7; 3 << 20], 0o755);
        write(&tree, "usr/bin/su", b"set user id", 0o4755);
        write(&tree, "usr/lib/a", b"small", 0o644);
        write(&tree, "usr/lib/b", b"as small", 0o640);
        write(&tree, "usr/lib/nothing", b"", 0o644);
        write(&tree, "var/lib/state", b"fresh", 0o600);
        tree.create_hard_link("usr/bin/sh", "usr/bin/ash").unwrap();
        tree.create_hard_link("usr/bin/sh", "usr/bin/bash").unwrap();
        tree.create_symlink(OsStr::new("lib"), "usr/lib64").unwrap();
        tree.create_fifo("usr/lib/fifo", 0o600).unwrap();
        let noted = Attributes {
            xattrs: &[(OsStr::new("user.note"), b"shipped")],
            ..Attributes::default()
        };
        tree.set_attributes("usr/lib/b", &noted).unwrap();
        let mut payload = Vec::new();
        let built = build_tree(&tree, &mut payload, &TreeOptions::default(), &Silent).unwrap();
        let home = tempfile::tempdir().unwrap();
        let root = Dir::open(home.path()).unwrap();
        let options = UnpackOptions {
            owners: false,
            devices: false,
            sync: false,
            ..UnpackOptions::faithful()
        };
        unpack(
            &payload,
            &built.index,
            &built.table,
            &root,
            &options,
            &Silent,
        )
        .unwrap();
        Self {
            home,
            root,
            payload,
            built,
            local: Local::default(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(super) fn expected(&self) -> Expected<'_> {
        Expected {
            table: &self.built.table,
            restored: Restored {
                owners: false,
                ..Restored::ALL
            },
            local: self.local.clone(),
        }
    }

    pub(super) fn whole(&self) -> Comparison {
        Comparison {
            scope: Scope::whole(&self.built.table),
            depth: Depth::Full,
            extra: Extra::Image,
            threads: None,
        }
    }

    pub(super) fn only(&self, paths: &[&str]) -> Comparison {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        Comparison {
            scope: Scope::only(&self.built.table, &paths).unwrap(),
            ..self.whole()
        }
    }

    pub(super) fn compare(&self, comparison: &Comparison) -> Report {
        compare(&self.root, &self.expected(), comparison, &Silent).unwrap()
    }

    /// What comparing everything finds.
    pub(super) fn report(&self) -> Report {
        self.compare(&self.whole())
    }

    pub(super) fn plan(&self, report: &Report, options: FixOptions) -> FixPlan {
        plan(report, &self.expected(), options).unwrap()
    }

    /// Does what is planned; the steps that were told are those of the plan.
    pub(super) fn apply(&self, plan: &FixPlan) -> Result<u64, InstalledError> {
        let (index, table) = (&self.built.index, &self.built.table);
        let mut members = Members::new(&self.payload, index, table).unwrap();
        let mut told = Vec::new();
        let mut tell = |step: &super::super::Step| told.push(step.clone());
        let done = apply(
            &self.root,
            &self.expected(),
            &mut members,
            plan,
            &Silent,
            &mut tell,
        )?;
        assert_eq!(told, plan.steps);
        Ok(done)
    }

    /// Finds, plans and repairs; afterwards nothing is found and the plan is empty.
    pub(super) fn fix(&self) -> FixPlan {
        let plan = self.plan(&self.report(), FixOptions::default());
        self.apply(&plan).unwrap();
        let again = self.report();
        assert_eq!(again.problems(), 0, "{:#?}", again.findings);
        let empty = self.plan(&again, FixOptions::default());
        assert_eq!(empty.steps, []);
        assert!(!self.path(super::super::WORK).exists());
        plan
    }
}

pub(super) fn write(dir: &Dir, name: &str, contents: &[u8], mode: u32) {
    let mut file = dir.create_file(name, 0o600).unwrap();
    file.write_all(contents).unwrap();
    let attributes = Attributes {
        mode: Some(mode),
        mtime: Some((1_000_000_000, 0)),
        ..Attributes::default()
    };
    set_file_attributes(&file, Path::new(name), &attributes).unwrap();
}

/// The findings in few words.
pub(super) fn found(report: &Report) -> Vec<(String, Class, Vec<Aspect>)> {
    let findings = report.findings.iter();
    findings
        .map(|finding| {
            let aspects = finding.differences.iter().map(|d| d.aspect);
            (finding.path.to_string(), finding.class, aspects.collect())
        })
        .collect()
}

/// The steps in few words.
pub(super) fn steps(plan: &FixPlan) -> Vec<(Action, String)> {
    let steps = plan.steps.iter();
    steps
        .map(|step| (step.action, step.path.to_string()))
        .collect()
}
