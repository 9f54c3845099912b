//! A vendor, his images, and a machine that they are installed on.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use isi_catalog::catalog::{Access, Catalog, Context, ImportRequest, Source};
use isi_catalog::digest::PackageId;
use isi_catalog::fsio::{Dir, OnExisting, OutputFile, open_regular};
use isi_catalog::manifest::{Manifest, RegionKind, Restart};
use isi_catalog::package::builder::{Content, Draft, DraftRegion, PayloadSource, build};
use isi_catalog::payload::TreeOptions;
use isi_catalog::progress::Silent;
use isi_catalog::release::{PackageType, VersionRange};
use isi_catalog::system::{EnvName, StorageKind, System, TargetId, TimeLimits, WhichKernel};
use isi_catalog::trust::{
    Credential, KeySigner, LocalAuthority, Sign as _, TimestampAuthority as _, TrustPaths,
    TrustStore, dev_pki,
};
use isi_catalog::upgrade::{
    Action, Carrying, CheckReport, Committed, Engine, Journals, Machine, Opened, Rules, Run,
    Sources, Standing, UpgradeError, check, commit, plan, preview_commit, rollback,
};
use jiff::Timestamp;
use tempfile::TempDir;

/// When every test takes place.
pub(crate) fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn name(text: &str) -> EnvName {
    text.parse().unwrap()
}

/// Whether programs can be run below another root here; says so if not.
pub(crate) fn can_change_root() -> bool {
    let is_root = isi_catalog::fsio::is_root();
    if !is_root {
        eprintln!("skipped: programs below a root of their own need root");
    }
    is_root
}

/// What the vendor's customers trust.
pub(crate) fn trust() -> TrustPaths {
    vendor().1.clone()
}

fn vendor() -> &'static (TempDir, TrustPaths) {
    static VENDOR: OnceLock<(TempDir, TrustPaths)> = OnceLock::new();
    VENDOR.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        let trust = dev_pki::generate(home.path(), now()).unwrap().trust;
        (home, trust)
    })
}

/// An image.
#[derive(Clone)]
pub(crate) struct Kit {
    pub(crate) version: &'static str,
    pub(crate) counter: u64,
    pub(crate) rollback: bool,
    pub(crate) signed: bool,
    /// Programs: kind, name, lines of shell.
    pub(crate) programs: Vec<(RegionKind, &'static str, &'static str)>,
}

impl Kit {
    pub(crate) fn new(version: &'static str, counter: u64) -> Self {
        Self {
            version,
            counter,
            rollback: true,
            signed: true,
            programs: Vec::new(),
        }
    }

    pub(crate) fn with(
        mut self,
        kind: RegionKind,
        name: &'static str,
        script: &'static str,
    ) -> Self {
        self.programs.push((kind, name, script));
        self
    }
}

/// A machine with a catalog and a system, in a directory.
pub(crate) struct Place {
    home: TempDir,
    pub(crate) system: System,
}

impl Place {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let system = system_in(&home.path().join("system"), 7);
        Self { home, system }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn catalog(&self) -> Catalog {
        open_catalog(&self.path("catalog"))
    }

    pub(crate) fn machine(&self) -> Machine<'_> {
        self.machine_with(trust())
    }

    pub(crate) fn machine_with(&self, trust: TrustPaths) -> Machine<'_> {
        self.machine_of(&self.system, trust)
    }

    /// A machine with another system, and this catalog.
    pub(crate) fn machine_on<'a>(&self, system: &'a System) -> Machine<'a> {
        self.machine_of(system, trust())
    }

    fn machine_of<'a>(&self, system: &'a System, trust: TrustPaths) -> Machine<'a> {
        let sources = Sources {
            catalog: self.path("catalog"),
            trust,
            lock_timeout: Duration::from_secs(20),
        };
        Machine::new(system, sources, None, "x86_64".to_owned())
    }

    pub(crate) fn journals(&self) -> Journals {
        Journals::new(self.system.directory("upgrade").unwrap())
    }

    pub(crate) fn standing(&self) -> Option<Standing> {
        Standing::of(&self.journals().read().unwrap()?)
    }

    /// Makes an image whose root says its version, and has a shell if programs have to run in it.
    pub(crate) fn package(&self, kit: &Kit) -> PathBuf {
        let tree = self.path(&format!("tree-{}", kit.version));
        for directory in ["bin", "dev", "etc", "proc", "tmp"] {
            std::fs::create_dir_all(tree.join(directory)).unwrap();
        }
        std::fs::write(tree.join("etc/release"), format!("{}\n", kit.version)).unwrap();
        if !kit.programs.is_empty() {
            let busybox = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from);
            let busybox = busybox.iter().find(|path| path.exists());
            std::fs::copy(busybox.expect("busybox"), tree.join("bin/busybox")).unwrap();
            let shell = tree.join("bin/sh");
            if !shell.is_symlink() {
                std::os::unix::fs::symlink("busybox", shell).unwrap();
            }
        }
        let path = self.path(&format!("image-{}.isi", kit.version));
        let mut output = OutputFile::create(&path, 0o644, OnExisting::Replace).unwrap();
        let built = build(draft(kit, &tree), &mut output, &Silent).unwrap();
        let (signature, timestamp) = if kit.signed {
            let signer = KeySigner::new(credential("signer")).unwrap();
            let signature = signer.sign(built.manifest_bytes()).unwrap();
            let authority = LocalAuthority::new(credential("tsa"), now()).unwrap();
            let timestamp = authority.timestamp(&signature).unwrap();
            (signature, timestamp)
        } else {
            Default::default()
        };
        built.finish(&mut output, &signature, &timestamp).unwrap();
        output.commit().unwrap();
        path
    }

    pub(crate) fn import(&self, path: &Path) -> PackageId {
        let trust = TrustStore::load(&trust()).unwrap();
        import(&mut self.catalog(), path, &trust).unwrap()
    }

    /// An image in the catalog, opened.
    pub(crate) fn opened(&self, id: PackageId) -> Opened {
        let trust = TrustStore::load(&trust()).unwrap();
        let package = self.catalog().package(&id, &trust, &context()).unwrap();
        Opened::of(id, package).unwrap()
    }

    /// Installs an image as far as it goes before the machine starts anew.
    pub(crate) fn start(&self, kit: &Kit) -> Result<EnvName, UpgradeError> {
        self.start_with(kit, Carrying::default())
    }

    /// As [`Place::start`], with what the operator says of what comes over and of what boots.
    pub(crate) fn start_with(
        &self,
        kit: &Kit,
        carrying: Carrying,
    ) -> Result<EnvName, UpgradeError> {
        self.start_on(self.machine(), kit, carrying)
    }

    /// The same on this machine.
    pub(crate) fn start_on(
        &self,
        mut machine: Machine<'_>,
        kit: &Kit,
        carrying: Carrying,
    ) -> Result<EnvName, UpgradeError> {
        let id = self.import(&self.package(kit));
        let context = context();
        let facts = machine.facts(id, &context)?;
        let inventory = machine.inventory_for(&self.opened(id), &carrying, &context)?;
        let rules = Rules {
            environment: Some(name(&format!("v{}", kit.version))),
            carrying,
            ..Rules::default()
        };
        let plan = plan(&inventory, &facts, &rules)?;
        let environment = plan.environment.clone();
        let journals = self.journals();
        Engine::begin(&mut machine, &journals, plan, run())?.run(Action::Upgrade)?;
        Ok(environment)
    }

    /// What the machine does when it starts.
    pub(crate) fn boot(&self) -> EnvName {
        self.system.select().unwrap().choice.name
    }

    pub(crate) fn check(&self) -> CheckReport {
        check(&mut self.machine(), &self.journals(), run()).unwrap()
    }

    /// The same; a check of the package that takes longer has failed.
    pub(crate) fn check_within(&self, limit: Duration) -> CheckReport {
        let limits = TimeLimits {
            check: limit,
            ..TimeLimits::default()
        };
        let mut machine = self.machine().limits(limits);
        check(&mut machine, &self.journals(), run()).unwrap()
    }

    /// The same, in a system that was started with the old kernel.
    pub(crate) fn check_with_the_old_kernel(&self) -> CheckReport {
        let mut machine = self.machine().kernel(WhichKernel::Old);
        check(&mut machine, &self.journals(), run()).unwrap()
    }

    pub(crate) fn commit(&self) -> Result<Committed, UpgradeError> {
        commit(&mut self.machine(), &self.journals(), run())
    }

    pub(crate) fn irreversible(&self) -> Vec<(String, String)> {
        let preview = preview_commit(&mut self.machine(), &self.journals(), &run()).unwrap();
        let advice = preview.irreversible.into_iter();
        advice.map(|one| (one.code, one.text)).collect()
    }

    pub(crate) fn rollback(&self) -> Result<Standing, UpgradeError> {
        rollback(&mut self.machine(), &self.journals(), "a test", run())
    }

    /// Installs an image, starts it, finds it well and commits it.
    pub(crate) fn installed(&self, kit: &Kit) -> EnvName {
        let environment = self.start(kit).unwrap();
        assert_eq!(self.boot(), environment);
        let report = self.check();
        assert!(report.passed(), "{report:?}");
        self.commit().unwrap();
        environment
    }

    /// The environments that there are.
    pub(crate) fn environments(&self) -> Vec<String> {
        let names = self.system.storage().names().unwrap().into_iter();
        names.map(String::from).collect()
    }

    /// The package of the committed image.
    pub(crate) fn committed(&self) -> PackageId {
        let state = self.system.state().unwrap();
        state.committed.unwrap().origin.package
    }

    /// What is in a file of an environment.
    pub(crate) fn read(&self, environment: &str, file: &str) -> String {
        let root = self.path("system/environments").join(environment);
        std::fs::read_to_string(root.join(file)).unwrap()
    }

    /// The kinds of events, oldest first.
    pub(crate) fn events(&self) -> Vec<String> {
        let events = self.catalog().events(None).unwrap().into_iter();
        events.map(|event| event.kind).collect()
    }

    /// Who needs an artifact: kinds of references.
    pub(crate) fn references(&self, id: &PackageId) -> Vec<&'static str> {
        let references = self.catalog().references(id).unwrap().into_iter();
        references.map(|one| one.kind.name()).collect()
    }
}

/// An empty system whose number is made of this byte.
pub(crate) fn system_in(root: &Path, number: u8) -> System {
    let target = TargetId::from_bytes([number; 16]);
    System::bootstrap(root, Some(StorageKind::Dir), target).unwrap()
}

pub(crate) fn open_catalog(root: &Path) -> Catalog {
    Catalog::open(root, Access::Write, Duration::from_secs(20), &Silent).unwrap()
}

pub(crate) fn import(
    catalog: &mut Catalog,
    path: &Path,
    trust: &TrustStore,
) -> Result<PackageId, isi_catalog::catalog::CatalogError> {
    let file = open_regular(path).unwrap();
    let request = ImportRequest {
        label: path,
        trust,
        unsigned: None,
    };
    let import = catalog.import(Source::File(&file), &request, &context())?;
    Ok(import.artifact.id)
}

pub(crate) fn context() -> Context<'static> {
    Context {
        now: now(),
        actor: "tester",
        progress: &Silent,
    }
}

pub(crate) fn run() -> Run<'static> {
    Run::new(now(), "tester", &Silent)
}

fn credential(name: &str) -> Credential {
    let keys = vendor().0.path().join("keys");
    let file = |ending: &str| keys.join(format!("{name}.{ending}"));
    Credential::load(&file("key"), &file("pem"), None, &mut || None).unwrap()
}

fn draft(kit: &Kit, tree: &Path) -> Draft {
    let programs = kit.programs.iter().map(|(kind, name, script)| DraftRegion {
        kind: *kind,
        name: (*name).to_owned(),
        media_type: String::new(),
        content: Content::Bytes(format!("#!/bin/sh\n{script}\n").into_bytes()),
    });
    Draft {
        manifest: Manifest {
            read_version: 1,
            write_version: 1,
            package_type: PackageType::Onefs,
            name: "OneFS".to_owned(),
            version: kit.version.parse().unwrap(),
            build: "1".to_owned(),
            description: String::new(),
            product: "onefs".to_owned(),
            architecture: String::new(),
            branch: String::new(),
            created: now(),
            release_counter: kit.counter,
            source_versions: VersionRange::default(),
            requires: Vec::new(),
            conflicts: Vec::new(),
            obsoletes: Vec::new(),
            restart: Restart::Reboot,
            rollback: kit.rollback,
            services: Vec::new(),
            free_space: 0,
            minutes: 0,
            regions: Vec::new(),
            unknown: Vec::new(),
        },
        created: Some(now()),
        payload: PayloadSource::Tree {
            directory: Dir::open(tree).unwrap(),
            options: TreeOptions::default(),
        },
        payload_name: "root".to_owned(),
        regions: programs.collect(),
    }
}
