//! Databases that are lost, damaged or something else.

use std::path::Path;
use std::time::Duration;

use isi_catalog::catalog::repair::Repair;
use isi_catalog::progress::Silent;

use super::{kinds, names, plan_as, reasons, repair_as};
use crate::world::{Bench, Kit, context, import_as, make_old, rows, tree, world};

/// What somebody may do to a database.
pub(super) fn wreck(path: &Path, how: &str) {
    let sound = std::fs::read(path).unwrap();
    let half = sound.len() / 2;
    match how {
        "deleted" => std::fs::remove_file(path).unwrap(),
        "empty" => std::fs::write(path, b"").unwrap(),
        "garbage" => std::fs::write(path, vec![b'x'; 10_000]).unwrap(),
        "half" => std::fs::write(path, &sound[..half]).unwrap(),
        "zeroed" => {
            let mut bytes = sound;
            bytes[half..].fill(0);
            std::fs::write(path, bytes).unwrap();
        }
        "foreign" => {
            std::fs::remove_file(path).unwrap();
            let database = rusqlite::Connection::open(path).unwrap();
            database
                .execute_batch("CREATE TABLE t (a); PRAGMA application_id = 7")
                .unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(path, mode).unwrap();
        }
        "other tables" => {
            let database = rusqlite::Connection::open(path).unwrap();
            database.execute_batch("DROP TABLE verdict").unwrap();
        }
        "write version" => {
            let mut bytes = sound;
            bytes[18] = 9;
            std::fs::write(path, bytes).unwrap();
        }
        how => panic!("{how}"),
    }
}

const WRECKS: [&str; 8] = [
    "deleted",
    "empty",
    "garbage",
    "half",
    "zeroed",
    "foreign",
    "other tables",
    "write version",
];

/// A catalog with a signed, an unsigned, and a removed-and-gone artifact, each imported at another time.
fn varied() -> (crate::world::World, Bench) {
    let world = crate::world::World::with_policy("unsigned = \"refuse\"", "unsigned = \"ask\"");
    let bench = Bench::new();
    let mut catalog = bench.open();
    for (name, signer) in [("b", Some("signer")), ("a", Some("signer")), ("u", None)] {
        let package = world.make(&bench.path(name), Kit::named(name), signer);
        let reason = signer.is_none().then_some("made here");
        import_as(&mut catalog, &package, &world.trust, reason).unwrap();
    }
    drop(catalog);
    (world, bench)
}

#[test]
fn a_lost_database_is_made_anew_row_by_row_and_event_by_event() {
    for how in WRECKS {
        let (world, bench) = varied();
        let root = bench.root();
        let (rows_before, files) = (rows(&root), tree(&root.join("artifacts")));
        let events = bench.open().events(None).unwrap();
        wreck(&root.join("catalog.db"), how);
        let (plan, _) = repair_as(&root, &world.trust);
        assert_eq!(
            names(&plan),
            ["rebuild", "enter", "enter", "enter"],
            "{how}"
        );
        assert_eq!(rows(&root), rows_before, "{how}");
        assert_eq!(tree(&root.join("artifacts")), files, "{how}");
        let mut catalog = bench.open();
        let after = catalog.events(None).unwrap();
        assert_eq!(after[..events.len()], events, "{how}");
        assert_eq!(after.len(), events.len() + 1, "{how}");
        assert_eq!(after.last().unwrap().kind, "rebuild");
        assert_eq!(catalog.verify_events(&Silent).unwrap(), []);
        let aside = catalog.quarantined(&context()).unwrap();
        assert_eq!(aside.len(), usize::from(how != "deleted"), "{how}");
        assert_eq!(std::fs::read_dir(root.join("incoming")).unwrap().count(), 0);
        import_as(
            &mut catalog,
            &world.make(&bench.path("new"), Kit::named("new"), Some("signer")),
            &world.trust,
            None,
        )
        .unwrap();
        assert_eq!(catalog.verify_events(&Silent).unwrap(), []);
        let mirror = std::fs::read_to_string(root.join("events.jsonl")).unwrap();
        assert_eq!(mirror.lines().count(), events.len() + 2);
    }
}

/// Writes through what keeps the log as it is.
fn tamper(root: &Path, statement: &str) {
    let database = rusqlite::Connection::open(root.join("catalog.db")).unwrap();
    let triggers: Vec<String> = database
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'event'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    database
        .execute_batch("DROP TRIGGER event_keeps_its_past; DROP TRIGGER event_stays;")
        .unwrap();
    assert!(database.execute(statement, []).unwrap() > 0, "{statement}");
    // As a flipped byte leaves it: everything but the log is in order.
    database.execute_batch(&triggers.join(";")).unwrap();
}

const LIES: [&str; 6] = [
    "UPDATE event SET actor = 'somebody' WHERE sequence = 2",
    "UPDATE event SET hash = zeroblob(32) WHERE sequence = 3",
    "UPDATE event SET previous = zeroblob(32) WHERE sequence = 2",
    "DELETE FROM event WHERE sequence = 1",
    "UPDATE meta SET value = zeroblob(40) WHERE key = 'event-head'",
    "UPDATE meta SET value = x'00' WHERE key = 'event-head'",
];

#[test]
fn a_log_that_does_not_hold_together_is_made_anew_from_its_mirror() {
    for lie in LIES {
        let (world, bench) = varied();
        let root = bench.root();
        let mut catalog = bench.open();
        let pinned = catalog.ids().unwrap()[0].0;
        let kind = isi_catalog::catalog::ReferenceKind::Pin;
        catalog
            .hold_reference(&pinned, kind, "alice", "needed", &context())
            .unwrap();
        let events = catalog.events(None).unwrap();
        drop(catalog);
        let before = rows(&root);
        tamper(&root, lie);
        let tampered = std::fs::read(root.join("catalog.db")).unwrap();
        let (plan, _) = repair_as(&root, &world.trust);
        assert_eq!(
            names(&plan),
            ["rebuild", "enter", "enter", "enter"],
            "{lie}"
        );
        let code = plan.actions[0].cause().unwrap().code.clone();
        let expected = if lie.contains("x'00'") {
            "E_DATABASE_DAMAGED"
        } else {
            "E_EVENT_LOG"
        };
        assert_eq!(code, expected, "{lie}");
        assert_eq!(rows(&root), before, "{lie}");
        let mut catalog = bench.open();
        let after = catalog.events(None).unwrap();
        assert_eq!(after[..events.len()], events, "{lie}");
        assert_eq!(after[events.len()..][0].kind, "rebuild", "{lie}");
        assert_eq!(catalog.verify_events(&Silent).unwrap(), [], "{lie}");
        assert_eq!(reasons(&bench), [(code, "catalog.db".to_owned())], "{lie}");
        let aside = std::fs::read(root.join("quarantine/1/catalog.db")).unwrap();
        assert!(aside == tampered, "{lie}: the evidence is kept");
    }
}

#[test]
fn a_log_that_neither_database_nor_mirror_has_whole_is_bound_anew() {
    let (world, bench) = varied();
    let root = bench.root();
    let before = rows(&root);
    let events = bench.open().events(None).unwrap();
    tamper(&root, LIES[0]);
    let mirror = root.join("events.jsonl");
    let text = std::fs::read_to_string(&mirror).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let damaged = lines[1].replace("\"import\"", "\"impart\"");
    std::fs::write(&mirror, lines[0].to_owned() + &damaged + lines[2]).unwrap();
    repair_as(&root, &world.trust);
    let mut catalog = bench.open();
    assert_eq!(catalog.verify_events(&Silent).unwrap(), []);
    let after = catalog.events(None).unwrap();
    assert_eq!(after[0], events[0]);
    assert_eq!(after[1].subject, events[2].subject);
    assert_eq!(after[1].previous, events[0].hash);
    let codes: Vec<_> = reasons(&bench).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["E_EVENT_MIRROR", "E_EVENT_LOG"]);
    assert_eq!(rows(&root).len(), before.len());
}

#[test]
fn pins_references_and_overrides_survive_the_database() {
    use isi_catalog::catalog::ReferenceKind::{CommittedImage, Pin};
    for how in WRECKS {
        let (world, bench) = varied();
        let mut catalog = bench.open();
        let ids: Vec<_> = catalog
            .ids()
            .unwrap()
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        for (id, kind, holder) in [
            (&ids[0], Pin, "alice"),
            (&ids[0], Pin, "bob"),
            (&ids[1], CommittedImage, "cluster"),
        ] {
            catalog
                .hold_reference(id, kind, holder, "needed", &context())
                .unwrap();
        }
        catalog
            .release_reference(&ids[0], Pin, "alice", "done", &context())
            .unwrap();
        let stranger = crate::world::world();
        let request = isi_catalog::catalog::ExportRequest {
            id: ids[1],
            target: &bench.path("out.isi"),
            on_existing: isi_catalog::fsio::OnExisting::Refuse,
            side_file: false,
            trust: &stranger.trust,
            override_reason: Some("evidence"),
        };
        catalog.export(&request, &context()).unwrap();
        drop(catalog);
        let before = rows(&bench.root());
        assert!(before.iter().any(|row| row.starts_with("override ")));
        wreck(&bench.root().join("catalog.db"), how);
        repair_as(&bench.root(), &world.trust);
        assert_eq!(rows(&bench.root()), before, "{how}");
        // The image goes missing together with the database: it is still known who needs it.
        std::fs::remove_file(bench.artifact(&ids[1])).unwrap();
        wreck(&bench.root().join("catalog.db"), "deleted");
        let (plan, _) = repair_as(&bench.root(), &world.trust);
        assert_eq!(plan.problems[0].code(), "E_COMMITTED_IMAGE_MISSING");
        assert!(kinds(&bench).contains(&"committed-image-missing".to_owned()));
    }
}

#[test]
fn what_was_removed_does_not_come_back_by_itself() {
    let (world, bench) = varied();
    let mut catalog = bench.open();
    let id = catalog.ids().unwrap()[0].0;
    let path = bench.artifact(&id);
    let bytes = std::fs::read(&path).unwrap();
    catalog.remove(&[id.into()], &context()).unwrap();
    drop(catalog);
    // As if it had been killed before the file went.
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let (plan, _) = repair_as(&bench.root(), &world.trust);
    assert_eq!((names(&plan), plan.left_to_clean), (vec![], 1));
    std::fs::write(bench.root().join("artifacts/stray"), &bytes).unwrap();
    repair_as(&bench.root(), &world.trust);
    assert_eq!(reasons(&bench)[0].0, "E_REMOVED");
    std::fs::remove_file(bench.root().join("catalog.db")).unwrap();
    let (plan, _) = repair_as(&bench.root(), &world.trust);
    assert_eq!(plan.left_to_clean, 1);
    assert_eq!(bench.open().find(&id).unwrap(), None);
}

#[test]
fn without_database_and_log_what_is_trusted_comes_in_and_the_rest_waits() {
    let (world, bench) = varied();
    let root = bench.root();
    std::fs::remove_file(root.join("catalog.db")).unwrap();
    std::fs::remove_file(root.join("events.jsonl")).unwrap();
    let (plan, _) = repair_as(&root, &world.trust);
    let expected = [
        "rebuild",
        "quarantine",
        "remove-directory",
        "enter",
        "enter",
    ];
    assert_eq!(names(&plan), expected);
    assert_eq!(reasons(&bench)[0].0, "E_UNSIGNED");
    assert_eq!(bench.open().ids().unwrap().len(), 2);
    assert_eq!(
        kinds(&bench),
        ["rebuild", "quarantine", "recover", "recover"]
    );
}

#[test]
fn events_come_from_whichever_of_database_and_mirror_has_them() {
    let (world, bench) = varied();
    let root = bench.root();
    let events = bench.open().events(None).unwrap();
    let mirror = root.join("events.jsonl");
    let text = std::fs::read_to_string(&mirror).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let database = std::fs::read(root.join("catalog.db")).unwrap();
    for kept in [vec![], vec![0], vec![0, 2], vec![2], vec![1]] {
        let kept: String = kept.into_iter().map(|line: usize| lines[line]).collect();
        std::fs::write(&mirror, kept).unwrap();
        std::fs::write(root.join("catalog.db"), &database).unwrap();
        wreck(&root.join("catalog.db"), "other tables");
        repair_as(&root, &world.trust);
        let after = bench.open().events(None).unwrap();
        assert_eq!(after[..events.len()], events);
        assert_eq!(bench.open().verify_events(&Silent).unwrap(), []);
    }
}

#[test]
fn events_whose_predecessor_is_lost_are_bound_anew_and_the_old_log_is_kept() {
    let (world, bench) = varied();
    let root = bench.root();
    let before = rows(&root);
    let events = bench.open().events(None).unwrap();
    let mirror = root.join("events.jsonl");
    let text = std::fs::read_to_string(&mirror).unwrap();
    let damaged = text.replacen("\"import\"", "\"impart\"", 1);
    std::fs::write(&mirror, &damaged).unwrap();
    std::fs::remove_file(root.join("catalog.db")).unwrap();
    repair_as(&root, &world.trust);
    let mut catalog = bench.open();
    assert_eq!(catalog.verify_events(&Silent).unwrap(), []);
    let after = catalog.events(None).unwrap();
    let said = |event: &isi_catalog::catalog::events::Event| {
        (event.time, event.subject.clone(), event.details.clone())
    };
    assert_eq!(said(&after[0]), said(&events[1]));
    assert_eq!(said(&after[1]), said(&events[2]));
    let aside = std::fs::read_to_string(root.join("quarantine/1/content")).unwrap();
    assert_eq!(aside, damaged);
    assert_eq!(reasons(&bench)[0].0, "E_EVENT_MIRROR");
    assert_eq!(rows(&root).len(), before.len());
    assert_eq!(after.last().unwrap().kind, "recover");
}

#[test]
fn what_an_unfinished_rebuild_left_is_nobodys_harm() {
    let (world, bench) = varied();
    let root = bench.root();
    let before = rows(&root);
    std::fs::remove_file(root.join("catalog.db")).unwrap();
    std::fs::create_dir(root.join("incoming/rebuild")).unwrap();
    std::fs::write(root.join("incoming/rebuild/catalog.db"), b"half").unwrap();
    std::fs::write(root.join("catalog.db-journal"), b"stale").unwrap();
    repair_as(&root, &world.trust);
    assert_eq!(rows(&root), before);
    assert!(!root.join("catalog.db-journal").exists());
    assert_eq!(
        std::fs::read(root.join("quarantine/1/catalog.db-journal")).unwrap(),
        b"stale"
    );
}

#[test]
fn an_older_database_is_brought_up_to_date_while_nobody_else_looks_at_it() {
    let (world, bench) = varied();
    let root = bench.root();
    let current = rows(&root);
    make_old(&root);
    let before = tree(&root);
    let reader = std::fs::File::open(root.join("lock")).unwrap();
    reader.lock_shared().unwrap();
    let error = Repair::plan(&root, &world.trust, Duration::ZERO, &context()).unwrap_err();
    assert_eq!(error.code(), "E_LOCKED");
    assert_eq!(tree(&root), before);
    drop(reader);
    assert!(
        plan_as(&root, &world.trust)
            .unwrap()
            .planned()
            .actions
            .is_empty()
    );
    assert_eq!(rows(&root), current);
}

#[test]
fn a_newer_database_is_not_touched() {
    let (world, bench) = varied();
    let database = rusqlite::Connection::open(bench.root().join("catalog.db")).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    drop(database);
    let before = tree(&bench.root());
    let error = plan_as(&bench.root(), &world.trust).unwrap_err();
    assert_eq!(error.code(), "E_DATABASE_NEWER");
    assert_eq!(tree(&bench.root()), before);
}

#[test]
fn a_database_that_was_repaired_meanwhile_is_not_replaced() {
    let (world, bench) = varied();
    std::fs::remove_file(bench.root().join("catalog.db")).unwrap();
    let late = plan_as(&bench.root(), &world.trust).unwrap();
    repair_as(&bench.root(), &world.trust);
    let before = tree(&bench.root());
    let error = late
        .apply(&world.trust, &context(), &mut |_, _| {})
        .unwrap_err();
    assert_eq!(error.code(), "E_CHANGED");
    assert_eq!(tree(&bench.root()), before);
}

#[test]
fn a_directory_that_is_no_catalog_is_refused() {
    let bench = Bench::new();
    let refused = |root: &Path| plan_as(root, &world().trust).unwrap_err().code().to_owned();
    assert_eq!(refused(&bench.root()), "E_NO_CATALOG");
    std::fs::create_dir(bench.root()).unwrap();
    assert_eq!(refused(&bench.root()), "E_NO_CATALOG");
    assert_eq!(std::fs::read_dir(bench.root()).unwrap().count(), 0);
}
