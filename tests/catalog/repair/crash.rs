//! Repairs that are killed: the next one finishes, and nothing that is valid is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use isi_catalog::catalog::Access;
use isi_catalog::catalog::events::Event;
use isi_catalog::digest::{PackageId, Sha256Digest};
use isi_catalog::trust::{TrustPaths, TrustStore};

use super::{plan_as, repair_as};
use crate::world::{Bench, Kit, context, digest_of, expect_sound, open, world};

const HOME: &str = "ISI_TEST_TRUST_HOME";
const ROOT: &str = "ISI_TEST_CATALOG_TO_REPAIR";

/// Not a test of its own: the body of the process that the others kill.
#[test]
fn child_repairs_when_asked() {
    let Some(root) = std::env::var_os(ROOT) else {
        return;
    };
    let home = std::env::var_os(HOME).unwrap();
    let trust = Path::new(&home).join("trust");
    let paths = TrustPaths {
        directory: None,
        certs: trust.join("certs"),
        tsa_certs: Some(trust.join("tsa-certs")),
        crls: Some(trust.join("crls")),
        identities: trust.join("identities.toml"),
    };
    let trust = TrustStore::load(&paths).unwrap();
    let repair = plan_as(Path::new(&root), &trust).unwrap();
    repair.apply(&trust, &context(), &mut |_, _| {}).unwrap();
}

/// System calls that change something.
const CHANGING: &str = "mkdirat,openat,openat2,write,pwrite64,ftruncate,fchmod,fsync,fdatasync,\
    renameat2,rename,linkat,unlink,unlinkat,flock";

fn traced(root: &Path, options: &[&str], calls: &str) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-e", &format!("trace={calls}")])
        .args(options)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "repair::crash::child_repairs_when_asked"])
        .arg("--test-threads=1")
        .env(HOME, world().home())
        .env(ROOT, root)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// Every file anywhere in a catalog that is a whole artifact, by its content.
fn whole(root: &Path, wanted: &BTreeSet<Sha256Digest>) -> BTreeSet<Sha256Digest> {
    let mut found = BTreeSet::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                directories.push(path);
            } else if metadata.is_file() {
                found.extend(Some(digest_of(&path)).filter(|digest| wanted.contains(digest)));
            }
        }
    }
    found
}

fn events(root: &Path) -> Vec<Event> {
    open(root, Access::Read).unwrap().events(None).unwrap()
}

/// Damages a catalog in one way, kills its repair at some changing calls, and looks at what is left.
///
/// `cargo xtask torture` kills it at each.
fn killed_somewhere(every: usize, damage: impl Fn(&Bench, &[std::path::PathBuf]), least: usize) {
    let traceable = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    if !traceable.is_ok_and(|status| status.success()) {
        eprintln!("skipped: strace cannot be used here");
        return;
    }
    let (bench, scratch) = (Bench::new(), Bench::new());
    let kits = ["a", "b", "c"].map(Kit::named);
    let imported = kits.map(|kit| bench.imported(kit).1.artifact.id);
    let files = imported.map(|id| bench.artifact(&id));
    let before = events(&bench.root());
    damage(&bench, &files);
    let ids: BTreeSet<_> = imported.iter().map(PackageId::digest).collect();
    let valid = whole(&bench.root(), &ids);
    let renew = || {
        std::fs::remove_dir_all(scratch.root()).unwrap_or_default();
        copy(&bench.root(), &scratch.root());
    };
    renew();
    let log = scratch.path("trace");
    let mut all = traced(&scratch.root(), &["-o", log.to_str().unwrap()], CHANGING);
    assert!(all.status().unwrap().success());
    let trace = std::fs::read_to_string(&log).unwrap();
    let mut points = 0;
    for (call, numbers) in calls_on(&trace, scratch.root().to_str().unwrap()) {
        for when in numbers.into_iter().step_by(every) {
            renew();
            let inject = format!("inject={call}:signal=KILL:when={when}");
            let options = ["-o", "/dev/null", "-e", &inject];
            let killed = traced(&scratch.root(), &options, &call).status();
            let root = scratch.root();
            assert_eq!(whole(&root, &ids), valid, "{call} {when}");
            // SQLite takes back a transaction that was killed as soon as anybody looks.
            plan_as(&root, &world().trust).unwrap();
            repair_as(&root, &world().trust);
            expect_sound(&root);
            let mut catalog = open(&root, Access::Read).unwrap();
            let listed = catalog.ids().unwrap();
            let listed: BTreeSet<_> = listed.iter().map(|(id, _)| id.digest()).collect();
            assert_eq!(listed, valid, "{call} {when}");
            assert_eq!(events(&root)[..before.len()], before, "{call} {when}");
            points += usize::from(!killed.unwrap().success());
        }
    }
    assert!(points >= least, "only {points} kill points");
    eprintln!("{points} kill points");
}

/// For each kind of call the numbers, from 1 on, of those that come after the catalog was first named.
fn calls_on(trace: &str, root: &str) -> BTreeMap<String, Vec<usize>> {
    let mut calls: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut named = false;
    for line in trace.lines() {
        named |= line.contains(root);
        let Some((before, _)) = line.split_once('(') else {
            continue;
        };
        let call = before.split_whitespace().last().unwrap_or_default();
        if !CHANGING.split(',').any(|name| name == call) {
            continue;
        }
        let count = counts.entry(call.to_owned()).or_default();
        *count += 1;
        if named {
            calls.entry(call.to_owned()).or_default().push(*count);
        }
    }
    calls
}

#[test]
fn a_repair_of_files_that_is_killed_is_finished_by_the_next() {
    killed_somewhere(
        3,
        |bench, files| {
            // One damaged, two that changed places, something foreign.
            super::flip(&files[0], 100);
            let spare = bench.path("spare");
            std::fs::rename(&files[1], &spare).unwrap();
            std::fs::rename(&files[2], &files[1]).unwrap();
            std::fs::rename(&spare, &files[2]).unwrap();
            std::fs::write(bench.root().join("artifacts/notes"), b"notes").unwrap();
        },
        50,
    );
}

#[test]
fn a_repair_of_the_database_that_is_killed_is_finished_by_the_next() {
    killed_somewhere(
        2,
        |bench, files| {
            super::flip(&files[0], 100);
            std::fs::write(bench.root().join("catalog.db"), vec![b'x'; 10_000]).unwrap();
            std::fs::write(bench.root().join("catalog.db-journal"), b"stale").unwrap();
        },
        80,
    );
}

#[test]
fn a_repair_that_saves_events_from_a_half_readable_database_is_finished_by_the_next() {
    killed_somewhere(
        5,
        |bench, _| {
            super::database::wreck(&bench.root().join("catalog.db"), "other tables");
            let mirror = bench.root().join("events.jsonl");
            let text = std::fs::read_to_string(&mirror).unwrap();
            let lines: Vec<_> = text.split_inclusive('\n').collect();
            std::fs::write(&mirror, lines[0]).unwrap();
        },
        30,
    );
}
