//! Repair: whatever was done to a catalog, what is valid comes through and the rest is explained.

mod crash;
mod database;
mod fetch;

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use isi_catalog::catalog::repair::{Action, Plan, Repair, Repaired};
use isi_catalog::catalog::{CatalogError, State};
use isi_catalog::digest::PackageId;
use isi_catalog::trust::TrustStore;

use crate::world::{Bench, Kit, context, expect_sound, import, import_as, rows, tree, world};

fn plan_as(root: &Path, trust: &TrustStore) -> Result<Repair, CatalogError> {
    Repair::plan(root, trust, Duration::from_secs(20), &context())
}

/// Repairs; the dry run before says exactly what is done, and there is nothing left to do afterwards.
pub(crate) fn repair_as(root: &Path, trust: &TrustStore) -> (Plan, Repaired) {
    let dry = tree(root);
    let planned = plan_as(root, trust).unwrap().planned().clone();
    assert_eq!(tree(root), dry, "a plan changes nothing");
    let repair = plan_as(root, trust).unwrap();
    assert_eq!(*repair.planned(), planned);
    let mut done = Vec::new();
    let mut told = |action: &Action, is_done: bool| {
        assert!(is_done, "{action:?}");
        done.push(format!("{action:?}"));
    };
    let repaired = repair.apply(trust, &context(), &mut told).unwrap();
    let mut expected: Vec<_> = (planned.actions.iter())
        .map(|action| format!("{action:?}"))
        .collect();
    expected.sort();
    done.sort();
    assert_eq!(done, expected, "the dry run says what is done");
    let again = plan_as(root, trust).unwrap().planned().clone();
    assert_eq!(again.actions, [], "twice is once");
    assert_eq!(again.problems, planned.problems);
    let before = tree(root);
    plan_as(root, trust)
        .unwrap()
        .apply(trust, &context(), &mut |_, _| panic!("nothing to do"))
        .unwrap();
    assert_eq!(tree(root), before);
    (planned, repaired)
}

pub(crate) fn repair(bench: &Bench) -> Plan {
    repair_as(&bench.root(), &world().trust).0
}

fn names(plan: &Plan) -> Vec<&'static str> {
    plan.actions.iter().map(Action::name).collect()
}

/// A catalog with some artifacts.
fn with(names: &[&str]) -> (Bench, Vec<PackageId>) {
    let bench = Bench::new();
    let ids = names
        .iter()
        .map(|name| bench.imported(Kit::named(name)).1.artifact.id)
        .collect();
    (bench, ids)
}

fn listed(bench: &Bench) -> BTreeSet<PackageId> {
    let ids = bench.open().ids().unwrap();
    ids.into_iter().map(|(id, _)| id).collect()
}

fn writable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
}

fn flip(path: &Path, offset: usize) {
    writable(path);
    let mut bytes = std::fs::read(path).unwrap();
    let offset = offset.min(bytes.len() - 1);
    bytes[offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// The reasons in quarantine: code and place.
fn reasons(bench: &Bench) -> Vec<(String, String)> {
    let found = bench.open().quarantined(&context()).unwrap();
    let reasons = found.into_iter().map(|found| found.reason.unwrap());
    reasons.map(|reason| (reason.code, reason.from)).collect()
}

fn kinds(bench: &Bench) -> Vec<String> {
    let events = bench.open().events(None).unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

#[test]
fn a_sound_catalog_has_nothing_to_repair() {
    let (bench, _) = with(&["a", "b"]);
    let plan = repair(&bench);
    assert_eq!((names(&plan), plan.files), (vec![], 2));
    assert!(plan.problems.is_empty());
}

#[test]
fn an_artifact_that_can_be_written_to_or_not_be_read_gets_its_mode_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let (bench, ids) = with(&["a", "b"]);
    let before = (tree(&bench.root().join("artifacts")), rows(&bench.root()));
    let path = bench.artifact(&ids[0]);
    for mode in [0o644, 0o600, 0o200, 0, 0o4444] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let plan = repair(&bench);
        assert_eq!(names(&plan), ["mode"], "{mode:o}");
        assert_eq!(plan.actions[0].item(), format!("{mode:04o} -> 0444"));
        let after = (tree(&bench.root().join("artifacts")), rows(&bench.root()));
        assert_eq!(after, before, "{mode:o}");
    }
    // Other steps find the file that this one left, and a damaged one has no mode to be put right.
    writable(&path);
    let database = rusqlite::Connection::open(bench.root().join("catalog.db")).unwrap();
    database
        .execute_batch("UPDATE artifact SET size = 7")
        .unwrap();
    drop(database);
    assert_eq!(names(&repair(&bench)), ["mode", "correct", "correct"]);
    flip(&path, 100);
    assert_eq!(
        names(&repair(&bench)),
        ["quarantine", "remove-directory", "lost"]
    );
}

#[test]
fn a_mirror_that_contradicts_the_database_is_set_aside_and_written_anew() {
    let (bench, ids) = with(&["a", "b", "c"]);
    let mirror = bench.root().join("events.jsonl");
    let sound = std::fs::read(&mirror).unwrap();
    let mut damaged = sound.clone();
    damaged[sound.len() / 2] ^= 1;
    let first = sound.iter().position(|byte| *byte == b'\n').unwrap();
    let beginless = sound[first + 1..].to_vec();
    for (round, set_aside) in [damaged, beginless].into_iter().enumerate() {
        std::fs::write(&mirror, &set_aside).unwrap();
        // Another thing to set aside has an entry of its own.
        std::fs::write(bench.root().join("artifacts/stray"), b"stray").unwrap();
        let (plan, repaired) = repair_as(&bench.root(), &world().trust);
        assert_eq!(names(&plan), ["quarantine", "quarantine"]);
        assert_eq!(plan.actions[1].item(), "events.jsonl");
        assert_eq!(plan.actions[1].cause().unwrap().code, "E_EVENT_MIRROR");
        assert_eq!(repaired.set_aside, 2);
        let entry = format!("quarantine/{}/content", 2 * round + 2);
        assert_eq!(std::fs::read(bench.root().join(entry)).unwrap(), set_aside);
        assert!(std::fs::read(&mirror).unwrap().starts_with(&sound));
        expect_sound(&bench.root());
    }
    assert_eq!(listed(&bench), ids.into_iter().collect());
}

#[test]
fn damaged_bytes_go_to_quarantine_with_the_reason_and_come_back_once_they_are_right() {
    let (bench, ids) = with(&["a", "b"]);
    let path = bench.artifact(&ids[0]);
    let sound = std::fs::read(&path).unwrap();
    flip(&path, 100);
    let plan = repair(&bench);
    assert_eq!(names(&plan), ["quarantine", "remove-directory", "lost"]);
    assert_eq!(listed(&bench), [ids[1]].into());
    let from = format!(
        "artifacts/{}/{}/package.isi",
        &ids[0].to_string()[..2],
        ids[0]
    );
    assert_eq!(reasons(&bench), [("E_HASH_MISMATCH".to_owned(), from)]);
    expect_sound(&bench.root());
    let entry = bench.root().join("quarantine/1/package.isi");
    std::fs::write(&entry, sound).unwrap();
    let plan = repair(&bench);
    assert_eq!(names(&plan), ["restore", "enter"]);
    assert_eq!(listed(&bench), ids.iter().copied().collect());
    assert_eq!(reasons(&bench), []);
    expect_sound(&bench.root());
    let expected = ["import", "import", "quarantine", "lost", "restore"];
    assert_eq!(kinds(&bench), expected);
}

#[test]
fn every_kind_of_damage_is_told_by_its_code() {
    for (offset, code) in [(0, "E_HASH_MISMATCH"), (usize::MAX, "E_FORMAT_MAGIC")] {
        let (bench, ids) = with(&["a"]);
        flip(&bench.artifact(&ids[0]), offset);
        repair(&bench);
        assert_eq!(reasons(&bench)[0].0, code);
        expect_sound(&bench.root());
    }
    for length in [0, 10, 1000] {
        let (bench, ids) = with(&["a"]);
        let path = bench.artifact(&ids[0]);
        writable(&path);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..length]).unwrap();
        let plan = repair(&bench);
        assert_eq!(names(&plan), ["quarantine", "remove-directory", "lost"]);
        expect_sound(&bench.root());
    }
}

#[test]
fn a_deleted_file_takes_its_row_with_it() {
    let (bench, ids) = with(&["a", "b"]);
    std::fs::remove_file(bench.artifact(&ids[0])).unwrap();
    assert_eq!(names(&repair(&bench)), ["remove-directory", "lost"]);
    assert_eq!(listed(&bench), [ids[1]].into());
    expect_sound(&bench.root());
    // Imported again, it is as if nothing had been.
    bench.imported(Kit::named("c"));
    expect_sound(&bench.root());
}

#[test]
fn swapped_files_are_put_where_they_belong() {
    let (bench, ids) = with(&["a", "b", "c"]);
    let before = rows(&bench.root());
    let paths: Vec<_> = ids.iter().map(|id| bench.artifact(id)).collect();
    let spare = bench.path("spare");
    // A ring of three.
    std::fs::rename(&paths[0], &spare).unwrap();
    std::fs::rename(&paths[1], &paths[0]).unwrap();
    std::fs::rename(&paths[2], &paths[1]).unwrap();
    std::fs::rename(&spare, &paths[2]).unwrap();
    let (plan, repaired) = repair_as(&bench.root(), &world().trust);
    assert_eq!(names(&plan)[..3], ["quarantine"; 3]);
    assert_eq!(names(&plan)[3..], ["restore"; 3]);
    assert_eq!(repaired.set_aside, 0);
    assert_eq!(rows(&bench.root()), before);
    assert_eq!(reasons(&bench), []);
    expect_sound(&bench.root());
}

#[test]
fn renamed_directories_and_stray_copies_are_sorted_out() {
    let (bench, ids) = with(&["a", "b"]);
    let before = rows(&bench.root());
    let artifacts = bench.root().join("artifacts");
    let own = |id: &PackageId| bench.artifact(id).parent().unwrap().to_owned();
    std::fs::copy(bench.artifact(&ids[1]), artifacts.join("copy.isi")).unwrap();
    std::fs::rename(own(&ids[0]), artifacts.join("elsewhere")).unwrap();
    let plan = repair(&bench);
    assert_eq!(names(&plan), ["move", "quarantine", "remove-directory"]);
    assert_eq!(rows(&bench.root()), before);
    assert_eq!(
        reasons(&bench),
        [("E_DUPLICATE".into(), "artifacts/copy.isi".into())]
    );
    // A directory deeper, over another artifact's, and a whole shard.
    let target = own(&ids[1]).join("x/y");
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::rename(own(&ids[0]), &target).unwrap();
    let shard = own(&ids[1]).parent().unwrap().to_owned();
    std::fs::rename(&shard, artifacts.join("zz")).unwrap();
    repair(&bench);
    assert_eq!(rows(&bench.root()), before);
    assert!(!artifacts.join("zz").exists());
    expect_sound(&bench.root());
}

#[test]
fn an_artifact_in_the_way_of_itself_gets_its_place() {
    let (bench, ids) = with(&["a"]);
    let before = rows(&bench.root());
    let path = bench.artifact(&ids[0]);
    let (own, spare) = (path.parent().unwrap(), bench.path("spare"));
    // A file in the place of its directory.
    std::fs::rename(&path, &spare).unwrap();
    std::fs::remove_dir(own).unwrap();
    std::fs::rename(&spare, own).unwrap();
    assert_eq!(names(&repair(&bench)), ["quarantine", "restore"]);
    assert_eq!(rows(&bench.root()), before);
    // A directory in the place of its file.
    std::fs::rename(&path, &spare).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::rename(&spare, path.join("deep")).unwrap();
    let plan = repair(&bench);
    assert_eq!(names(&plan), ["quarantine", "remove-directory", "restore"]);
    assert_eq!(rows(&bench.root()), before);
    expect_sound(&bench.root());
}

#[test]
fn what_is_foreign_is_set_aside_unopened() {
    let (bench, ids) = with(&["a"]);
    let artifacts = bench.root().join("artifacts");
    let own = bench.artifact(&ids[0]).parent().unwrap().to_owned();
    std::fs::write(bench.path("secret"), b"keep").unwrap();
    symlink(bench.path("secret"), artifacts.join("00")).unwrap();
    symlink("nowhere", own.join("link")).unwrap();
    std::fs::create_dir_all(artifacts.join("empty/er")).unwrap();
    std::fs::write(own.join("notes.txt"), b"notes").unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(artifacts.join("fifo"))
        .status();
    assert!(fifo.unwrap().success());
    let deep = (0..40).fold(artifacts.clone(), |path, _| path.join("deep"));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("file"), b"x").unwrap();
    repair(&bench);
    assert_eq!(listed(&bench), [ids[0]].into());
    let found = reasons(&bench);
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(std::fs::read_dir(&artifacts).unwrap().count(), 1);
    assert_eq!(std::fs::read(bench.path("secret")).unwrap(), b"keep");
    expect_sound(&bench.root());
}

#[test]
fn a_link_in_place_of_an_artifact_is_not_followed() {
    let (bench, ids) = with(&["a"]);
    let path = bench.artifact(&ids[0]);
    let elsewhere = bench.path("elsewhere");
    std::fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let plan = repair(&bench);
    assert_eq!(names(&plan), ["quarantine", "remove-directory", "lost"]);
    assert!(elsewhere.exists());
    expect_sound(&bench.root());
}

#[test]
fn rows_that_are_gone_or_wrong_are_made_anew_from_their_artifacts() {
    let (bench, ids) = with(&["a", "b"]);
    let before = rows(&bench.root());
    let change = |statement: &str| {
        let database = rusqlite::Connection::open(bench.root().join("catalog.db")).unwrap();
        database.pragma_update(None, "foreign_keys", true).unwrap();
        database.execute_batch(statement).unwrap();
    };
    change(&format!("DELETE FROM artifact WHERE id = x'{}'", ids[0]));
    assert_eq!(names(&repair(&bench)), ["enter"]);
    assert_eq!(rows(&bench.root()), before);
    change("UPDATE artifact SET name = 'other', size = 7");
    assert_eq!(names(&repair(&bench)), ["correct", "correct"]);
    assert_eq!(rows(&bench.root()), before);
    change("UPDATE artifact SET state = 'corrupt', state_code = 'E_HASH_MISMATCH'");
    assert_eq!(names(&repair(&bench)), ["state", "state"]);
    let states: Vec<_> = ids
        .iter()
        .map(|id| bench.open().find(id).unwrap().unwrap().state)
        .collect();
    assert_eq!(states, [State::Verified; 2]);
    expect_sound(&bench.root());
}

#[test]
fn an_import_killed_before_its_row_is_entered_with_an_event() {
    let (bench, ids) = with(&["a"]);
    let other = Bench::new();
    let id = other.imported(Kit::named("b")).1.artifact.id;
    let target = bench.artifact(&id);
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::copy(other.artifact(&id), &target).unwrap();
    assert_eq!(names(&repair(&bench)), ["enter"]);
    assert_eq!(listed(&bench), [ids[0], id].into());
    assert_eq!(kinds(&bench), ["import", "recover"]);
    expect_sound(&bench.root());
}

#[test]
fn a_package_nobody_trusts_and_nobody_imported_does_not_get_in() {
    let (bench, ids) = with(&["a"]);
    let unsigned = world().make(&bench.path("u.isi"), Kit::named("u"), None);
    let target = bench.root().join("artifacts/u.isi");
    std::fs::rename(unsigned, target).unwrap();
    assert_eq!(names(&repair(&bench)), ["quarantine"]);
    assert_eq!(reasons(&bench)[0].0, "E_UNSIGNED");
    assert_eq!(listed(&bench), [ids[0]].into());
}

#[test]
fn a_package_with_a_taken_version_does_not_get_in() {
    let (bench, ids) = with(&["a"]);
    let kit = Kit {
        payload: b"other".to_vec(),
        ..Kit::named("a")
    };
    let other = world().make(&bench.path("other.isi"), kit, Some("signer"));
    std::fs::rename(other, bench.root().join("artifacts/other.isi")).unwrap();
    assert_eq!(names(&repair(&bench)), ["quarantine"]);
    assert_eq!(reasons(&bench)[0].0, "E_VERSION_CONFLICT");
    assert_eq!(listed(&bench), [ids[0]].into());
    // The one in its way is gone for good: then it may come in.
    std::fs::remove_file(bench.artifact(&ids[0])).unwrap();
    let plan = repair(&bench);
    assert_eq!(
        names(&plan),
        ["remove-directory", "restore", "enter", "lost"]
    );
}

fn revoked() -> (crate::world::World, Bench, PackageId) {
    let world = crate::world::World::new();
    let bench = Bench::new();
    let package = world.make(&bench.path("r.isi"), Kit::named("r"), Some("signer"));
    let imported = import_as(&mut bench.open(), &package, &world.trust, None).unwrap();
    (world, bench, imported.artifact.id)
}

#[test]
fn what_lost_its_trust_stays_and_says_so() {
    let (_old, bench, id) = revoked();
    let stranger = &world().trust;
    let (plan, _) = repair_as(&bench.root(), stranger);
    assert_eq!(names(&plan), ["state"]);
    let found = bench.open().find(&id).unwrap().unwrap();
    assert_eq!(found.state, State::Untrusted);
    assert!(found.state_code.is_some());
    // Out of its place it is still known by its bytes.
    let stray = bench.root().join("artifacts/stray");
    std::fs::rename(bench.artifact(&id), &stray).unwrap();
    let (plan, _) = repair_as(&bench.root(), stranger);
    assert_eq!(names(&plan), ["move"]);
    // Damaged it is not.
    flip(&bench.artifact(&id), 100);
    let (plan, _) = repair_as(&bench.root(), stranger);
    assert_eq!(names(&plan), ["quarantine", "remove-directory", "lost"]);
}

#[test]
fn what_somebody_needs_and_is_gone_is_the_first_thing_said() {
    let (bench, ids) = with(&["pinned", "image", "other"]);
    let database = rusqlite::Connection::open(bench.root().join("catalog.db")).unwrap();
    for (id, kind) in [(ids[0], "pin"), (ids[1], "committed-image")] {
        database
            .execute_batch(&format!(
                "INSERT INTO reference VALUES (x'{id}', '{kind}', 'node 1', 'why', 0)"
            ))
            .unwrap();
    }
    drop(database);
    for id in &ids[..2] {
        std::fs::remove_file(bench.artifact(id)).unwrap();
    }
    let plan = repair(&bench);
    let said: Vec<_> = plan
        .problems
        .iter()
        .map(|problem| problem.code().to_owned())
        .collect();
    assert_eq!(said, ["E_COMMITTED_IMAGE_MISSING", "E_ARTIFACT_MISSING"]);
    assert_eq!(
        kinds(&bench)[3..],
        ["state", "state", "committed-image-missing"]
    );
    assert_eq!(listed(&bench), ids.iter().copied().collect());
    let found = bench.open().find(&ids[1]).unwrap().unwrap();
    assert_eq!(found.state, State::Missing);
    assert_eq!(found.state_code.as_deref(), Some("E_ARTIFACT_MISSING"));
    // It comes back, and goes again: that is said again.
    let image = bench.path("image-9.4.0.0.isi");
    import(&mut bench.open(), &image).unwrap();
    assert_eq!(
        plan_as(&bench.root(), &world().trust)
            .unwrap()
            .planned()
            .problems
            .len(),
        1
    );
    std::fs::remove_file(bench.artifact(&ids[1])).unwrap();
    repair(&bench);
    let told = kinds(&bench);
    let told = told
        .iter()
        .filter(|kind| *kind == "committed-image-missing");
    assert_eq!(told.count(), 2);
}

#[test]
fn a_package_is_restored_by_hand_or_purged() {
    use isi_catalog::catalog::Outcome;
    use isi_catalog::catalog::quarantine::RestoreRequest;
    let (bench, ids) = with(&["a", "b"]);
    let sound = std::fs::read(bench.artifact(&ids[0])).unwrap();
    for id in &ids {
        flip(&bench.artifact(id), 100);
    }
    repair(&bench);
    let request = |entry| RestoreRequest {
        entry,
        trust: &world().trust,
        unsigned: None,
    };
    let mut catalog = bench.open();
    let before = tree(&bench.root().join("quarantine"));
    for (entry, code) in [
        ("1", "E_HASH_MISMATCH"),
        ("3", "E_UNKNOWN_ENTRY"),
        ("", "E_UNKNOWN_ENTRY"),
        ("../artifacts", "E_UNKNOWN_ENTRY"),
    ] {
        let error = catalog.restore(&request(entry), &context()).unwrap_err();
        assert_eq!(error.code(), code, "{entry}");
    }
    assert_eq!(tree(&bench.root().join("quarantine")), before);
    let found = catalog.quarantined(&context()).unwrap();
    let of_first = found
        .iter()
        .find(|found| found.reason.as_ref().unwrap().id == Some(ids[0]))
        .unwrap();
    let entry: PathBuf = bench.root().join("quarantine").join(&of_first.entry);
    std::fs::write(entry.join("package.isi"), sound).unwrap();
    let restored = catalog
        .restore(&request(&of_first.entry), &context())
        .unwrap();
    assert_eq!(
        (restored.artifact.id, restored.outcome),
        (ids[0], Outcome::Added)
    );
    assert!(!entry.exists());
    let left = catalog.quarantined(&context()).unwrap();
    let names: Vec<_> = left.iter().map(|found| found.entry.as_str()).collect();
    let purged = catalog.purge(&names, &context()).unwrap();
    assert_eq!(purged.len(), 1);
    assert_eq!(catalog.quarantined(&context()).unwrap(), []);
    assert_eq!(kinds(&bench).last().unwrap(), "purge");
    expect_sound(&bench.root());
}

#[test]
fn entries_that_hold_nothing_are_dropped() {
    let (bench, _) = with(&["a"]);
    let quarantine = bench.root().join("quarantine");
    std::fs::create_dir_all(quarantine.join("4")).unwrap();
    std::fs::create_dir_all(quarantine.join("5")).unwrap();
    std::fs::write(quarantine.join("5/reason.json"), b"{\"schema\"").unwrap();
    assert_eq!(names(&repair(&bench)), ["drop-entry", "drop-entry"]);
    assert_eq!(std::fs::read_dir(quarantine).unwrap().count(), 0);
}

#[test]
fn what_was_planned_on_has_changed_and_is_left_alone() {
    let (bench, ids) = with(&["a"]);
    let path = bench.artifact(&ids[0]);
    let sound = std::fs::read(&path).unwrap();
    flip(&path, 100);
    let trust = &world().trust;
    let repair = plan_as(&bench.root(), trust).unwrap();
    std::fs::write(&path, sound).unwrap();
    let mut left = Vec::new();
    let mut told = |action: &Action, done: bool| {
        if !done {
            left.push(action.name());
        }
    };
    let repaired = repair.apply(trust, &context(), &mut told).unwrap();
    assert_eq!((repaired.done, repaired.skipped), (0, 3));
    assert_eq!(left, ["quarantine", "remove-directory", "lost"]);
    expect_sound(&bench.root());
    assert_eq!(listed(&bench), [ids[0]].into());
}

#[test]
fn a_repair_is_stopped_while_it_looks() {
    struct Stop;
    impl isi_catalog::progress::Progress for Stop {
        fn begin(&self, _name: &str, _total: u64) {}
        fn advance(&self, _bytes: u64) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let (bench, _) = with(&["a"]);
    let stopping = isi_catalog::catalog::Context {
        progress: &Stop,
        ..context()
    };
    let error = Repair::plan(&bench.root(), &world().trust, Duration::ZERO, &stopping).unwrap_err();
    assert_eq!(error.code(), "E_CANCELLED");
}
