//! A vendor with keys, packages made with them, and catalogs to put them in.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use isi_catalog::catalog::{Access, Catalog, CatalogError, Context, Import, ImportRequest, Source};
use isi_catalog::digest::{PackageId, Sha256Digest};
use isi_catalog::fsio::{OnExisting, OutputFile, open_regular};
use isi_catalog::manifest::{Manifest, RegionKind, Restart};
use isi_catalog::package::builder::{Content, Draft, DraftRegion, PayloadSource, build};
use isi_catalog::progress::Silent;
use isi_catalog::release::{PackageType, VersionRange};
use isi_catalog::trust::dev_pki::{Authority, Leaf, Purpose, Revoked};
use isi_catalog::trust::{
    Credential, KeySigner, LocalAuthority, Sign as _, TimestampAuthority as _, TrustPaths,
    TrustStore, dev_pki,
};
use jiff::{Timestamp, ToSpan as _};
use tempfile::TempDir;

/// When every test takes place.
pub(crate) fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

/// Who does everything.
pub(crate) const CONTEXT_ACTOR: &str = "tester";

/// How long a lock is waited for: longer than any test takes, however slow the disk is.
const PATIENCE: Duration = Duration::from_mins(10);

pub(crate) fn context() -> Context<'static> {
    Context {
        now: now(),
        actor: CONTEXT_ACTOR,
        progress: &Silent,
    }
}

/// Keys, certificates and trust of one vendor.
pub(crate) struct World {
    home: TempDir,
    pub(crate) paths: TrustPaths,
    pub(crate) trust: TrustStore,
}

/// The vendor of most tests.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

impl World {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let paths = dev_pki::generate(home.path(), now()).unwrap().trust;
        let trust = TrustStore::load(&paths).unwrap();
        Self { home, paths, trust }
    }

    /// A vendor whose identities file says something else about the policy.
    pub(crate) fn with_policy(from: &str, to: &str) -> Self {
        let mut world = Self::new();
        let text = std::fs::read_to_string(&world.paths.identities).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&world.paths.identities, text.replace(from, to)).unwrap();
        world.trust = TrustStore::load(&world.paths).unwrap();
        world
    }

    /// A vendor whose authority still has its key, and can revoke the signer.
    pub(crate) fn revocable() -> (Self, Authority, Leaf) {
        let mut world = Self::new();
        let root = Authority::root(&[("CN", "Root")], now()).unwrap();
        let issuing = root.authority(&[("CN", "Issuing")], now()).unwrap();
        let signer = issuing
            .leaf(&[("CN", "Signer")], Purpose::CodeSigningP256, now())
            .unwrap();
        let write = |path: PathBuf, text: &str| std::fs::write(path, text).unwrap();
        write(
            world.paths.certs.join("root.pem"),
            &root.certificate_pem().unwrap(),
        );
        let keys = world.home.path().join("keys");
        write(keys.join("signer.key"), &signer.key);
        write(keys.join("signer.pem"), &signer.certificates);
        let rule = format!(
            "[[identity]]\nname = \"vendor\"\nsubject = \"CN=Signer\"\nissuer_spki_sha256 = \"{}\"\n",
            issuing.spki_sha256().unwrap()
        );
        write(world.paths.identities.clone(), &rule);
        world.publish("root.crl", &root, &[]);
        world.publish("issuing.crl", &issuing, &[]);
        world.trust = TrustStore::load(&world.paths).unwrap();
        (world, issuing, signer)
    }

    /// Writes a revocation list that is in force for a month around the tests' now.
    pub(crate) fn publish(&self, name: &str, authority: &Authority, revoked: &[Revoked<'_>]) {
        let days = |days: i64| now() + (24 * days).hours();
        let list = authority.crl_pem(days(-1), days(30), revoked).unwrap();
        std::fs::write(self.paths.crls.as_ref().unwrap().join(name), list).unwrap();
    }

    /// A file of the development PKI.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    fn credential(&self, name: &str) -> Credential {
        let keys = self.home.path().join("keys");
        let file = |ending: &str| keys.join(format!("{name}.{ending}"));
        Credential::load(&file("key"), &file("pem"), None, &mut || None).unwrap()
    }

    /// Builds a package, signed by `signer` and timestamped, or bare.
    pub(crate) fn make(&self, path: &Path, kit: Kit, signer: Option<&str>) -> PathBuf {
        let mut output = OutputFile::create(path, 0o644, OnExisting::Refuse).unwrap();
        let built = build(kit.draft(), &mut output, &Silent).unwrap();
        let seal = signer.map(|signer| {
            let signer = KeySigner::new(self.credential(signer)).unwrap();
            let signature = signer.sign(built.manifest_bytes()).unwrap();
            let authority = LocalAuthority::new(self.credential("tsa"), now()).unwrap();
            let timestamp = authority.timestamp(&signature).unwrap();
            (signature, timestamp)
        });
        let (signature, timestamp) = seal.unwrap_or_default();
        built.finish(&mut output, &signature, &timestamp).unwrap();
        output.commit().unwrap();
        path.to_owned()
    }
}

/// What a test's package is.
#[derive(Clone)]
pub(crate) struct Kit {
    pub(crate) kind: PackageType,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) readme: Option<String>,
    pub(crate) release_counter: u64,
}

impl Default for Kit {
    fn default() -> Self {
        Self {
            kind: PackageType::Onefs,
            name: "OneFS_Install".to_owned(),
            version: "9.4.0.0".to_owned(),
            payload: b"payload".repeat(1000),
            readme: Some("Read me.\n".to_owned()),
            release_counter: 7,
        }
    }
}

impl Kit {
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    fn draft(self) -> Draft {
        let scratch = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(scratch.path(), &self.payload).unwrap();
        let readme = self.readme.map(|text| DraftRegion {
            kind: RegionKind::Readme,
            name: "README".to_owned(),
            media_type: String::new(),
            content: Content::Bytes(text.into_bytes()),
        });
        Draft {
            manifest: Manifest {
                read_version: 1,
                write_version: 1,
                package_type: self.kind,
                name: self.name,
                version: self.version.parse().unwrap(),
                build: "2797".to_owned(),
                description: "An install image".to_owned(),
                product: "onefs".to_owned(),
                architecture: "x86_64".to_owned(),
                branch: "B_MAIN".to_owned(),
                created: now(),
                release_counter: self.release_counter,
                source_versions: VersionRange::default(),
                requires: Vec::new(),
                conflicts: Vec::new(),
                obsoletes: Vec::new(),
                restart: Restart::Reboot,
                rollback: true,
                services: Vec::new(),
                free_space: 0,
                minutes: 0,
                regions: Vec::new(),
                unknown: Vec::new(),
            },
            created: Some(now()),
            payload: PayloadSource::File {
                file: open_regular(scratch.path()).unwrap(),
                media_type: String::new(),
            },
            payload_name: "payload".to_owned(),
            regions: readme.into_iter().collect(),
        }
    }
}

/// A place for a catalog and for packages beside it.
pub(crate) struct Bench {
    home: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("catalog")
    }

    pub(crate) fn open(&self) -> Catalog {
        open(&self.root(), Access::Write).unwrap()
    }

    /// A signed package of the common vendor.
    pub(crate) fn package(&self, kit: Kit) -> PathBuf {
        let name = format!("{}-{}.isi", kit.name, kit.version);
        world().make(&self.path(&name), kit, Some("signer"))
    }

    /// Makes a package and imports it.
    pub(crate) fn imported(&self, kit: Kit) -> (PathBuf, Import) {
        let path = self.package(kit);
        let import = import(&mut self.open(), &path).unwrap();
        (path, import)
    }

    /// The file of an artifact.
    pub(crate) fn artifact(&self, id: &PackageId) -> PathBuf {
        let id = id.to_string();
        let directory = self.root().join("artifacts").join(&id[..2]);
        directory.join(&id).join("package.isi")
    }
}

pub(crate) fn open(root: &Path, access: Access) -> Result<Catalog, CatalogError> {
    Catalog::open(root, access, PATIENCE, &Silent)
}

/// Imports by the common vendor's trust.
pub(crate) fn import(catalog: &mut Catalog, path: &Path) -> Result<Import, CatalogError> {
    import_as(catalog, path, &world().trust, None)
}

pub(crate) fn import_as(
    catalog: &mut Catalog,
    path: &Path,
    trust: &TrustStore,
    unsigned: Option<&str>,
) -> Result<Import, CatalogError> {
    let source = open_regular(path)?;
    import_file(catalog, &source, trust, unsigned)
}

pub(crate) fn import_file(
    catalog: &mut Catalog,
    source: &File,
    trust: &TrustStore,
    unsigned: Option<&str>,
) -> Result<Import, CatalogError> {
    let request = ImportRequest {
        label: Path::new("given.isi"),
        trust,
        unsigned,
    };
    catalog.import(Source::File(source), &request, &context())
}

pub(crate) fn digest_of(path: &Path) -> Sha256Digest {
    Sha256Digest::of(&std::fs::read(path).unwrap())
}

/// Everything below a directory: mode, and content by digest; times do not count.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    fn walk(directory: &Path, root: &Path, tree: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = if metadata.is_dir() {
                walk(&path, root, tree);
                "directory".to_owned()
            } else if metadata.is_file() {
                digest_of(&path).to_string()
            } else {
                "special".to_owned()
            };
            let name = path.strip_prefix(root).unwrap().to_owned();
            tree.insert(name, format!("{:o} {content}", metadata.mode()));
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

/// As [`tree`], without what the database and the mirror of its event log hold.
pub(crate) fn tree_of_files(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = tree(root);
    found.remove(Path::new("catalog.db"));
    found.remove(Path::new("events.jsonl"));
    found
}

/// Every row of every table but the event log, as text.
pub(crate) fn rows(root: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(root.join("catalog.db")).unwrap();
    let mut rows = Vec::new();
    for table in [
        "artifact",
        "certificate",
        "signer",
        "verdict",
        "reference",
        "override",
    ] {
        let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let values: Vec<rusqlite::types::Value> = (0..columns)
                .map(|column| row.get(column).unwrap())
                .collect();
            rows.push(format!("{table} {values:?}"));
        }
    }
    rows.sort();
    rows
}

/// What must hold of every catalog whatever happened to it: the database is sound, every artifact that
/// is listed is there with the content of its ID, the log is unbroken.
pub(crate) fn expect_sound(root: &Path) {
    {
        let database = rusqlite::Connection::open(root.join("catalog.db")).unwrap();
        let check: String = database
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        let orphans: i64 = database
            .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(orphans, 0);
    }
    let mut catalog = open(root, Access::Read).unwrap();
    assert_eq!(catalog.verify_events(&Silent).unwrap(), []);
    for (id, _) in catalog.ids().unwrap() {
        let text = id.to_string();
        let path = root.join("artifacts").join(&text[..2]).join(&text);
        assert_eq!(digest_of(&path.join("package.isi")), id.digest());
        let artifact = catalog.find(&id).unwrap().unwrap();
        let found = catalog
            .examine(&artifact, &world().trust, &context())
            .unwrap();
        assert!(found.state.is_sound(), "{found:?}");
    }
}

/// Takes from the database what later versions of the schema added to the first.
pub(crate) fn make_old(root: &Path) {
    let database = rusqlite::Connection::open(root.join("catalog.db")).unwrap();
    let back =
        "DROP INDEX artifact_by_trust; DROP INDEX artifact_without_time; PRAGMA user_version = 1";
    database.execute_batch(back).unwrap();
}
