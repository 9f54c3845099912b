//! What somebody needs and is gone is fetched from elsewhere, and nothing else is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use isi_catalog::catalog::ReferenceKind;
use isi_catalog::digest::PackageId;
use isi_catalog::progress::{Progress, Silent};
use isi_catalog::service::{
    Call, Event, Local, Management as _, Observer, Paths, RepairReply, RepairRequest,
};

use crate::world::{Bench, CONTEXT_ACTOR, Kit, context, expect_sound, now, tree, world};

/// Notes what is told.
#[derive(Default)]
struct Ear {
    done: std::sync::Mutex<Vec<String>>,
}

impl Progress for Ear {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
}

impl Observer for Ear {
    fn event(&self, event: &Event<'_>) {
        let line = match event {
            Event::RepairDone(action) => action.name().to_owned(),
            Event::Warning { code, .. } => (*code).to_owned(),
            _ => return,
        };
        self.done.lock().unwrap().push(line);
    }
}

fn repair(bench: &Bench, from: &[&Path], dry_run: bool) -> (RepairReply, Vec<String>) {
    let paths = Paths {
        catalog: bench.root(),
        trust: world().paths.clone(),
        system: bench.path("system"),
        jails: std::collections::BTreeMap::new(),
    };
    let ear = Ear::default();
    let call = Call {
        now: now(),
        actor: CONTEXT_ACTOR,
        observer: &ear,
    };
    let request = RepairRequest {
        dry_run,
        from: from.iter().map(PathBuf::from).collect(),
    };
    let reply = Local::new(paths, Duration::from_secs(20)).repair(&request, &call);
    let reply = reply.unwrap();
    let done = ear.done.into_inner().unwrap();
    (reply, done)
}

/// A catalog whose committed image is gone, the image, and its package elsewhere.
fn missing() -> (Bench, PackageId, PathBuf) {
    let bench = Bench::new();
    let (path, import) = bench.imported(Kit::default());
    let id = import.artifact.id;
    let image = ReferenceKind::CommittedImage;
    bench
        .open()
        .hold_reference(&id, image, "system", "it runs", &context())
        .unwrap();
    std::fs::remove_file(bench.artifact(&id)).unwrap();
    (bench, id, path)
}

fn codes(reply: &RepairReply) -> Vec<String> {
    let problems = reply.problems.iter();
    problems.map(|problem| problem.code().to_owned()).collect()
}

#[test]
fn a_missing_committed_image_is_an_error_until_it_is_fetched() {
    let (bench, id, path) = missing();
    let (reply, _) = repair(&bench, &[], false);
    assert_eq!(codes(&reply), ["E_COMMITTED_IMAGE_MISSING"]);
    let hint = reply.problems[0].hint().unwrap();
    assert!(hint.contains("--from PATH"), "{hint}");

    let before = tree(&bench.root());
    let (dry, done) = repair(&bench, &[&path], true);
    assert_eq!((codes(&dry), dry.planned, done.len()), (vec![], 1, 0));
    assert_eq!(tree(&bench.root()), before, "a dry run changes nothing");

    let (reply, done) = repair(&bench, &[&path], false);
    assert!(reply.is_whole(), "{reply:?}");
    assert_eq!((reply.done, done), (1, vec!["fetch".to_owned()]));
    let artifact = std::fs::read(bench.artifact(&id)).unwrap();
    assert_eq!(artifact, std::fs::read(&path).unwrap());
    let kinds = bench.open().events(None).unwrap().into_iter();
    let kinds: Vec<_> = kinds.map(|event| event.kind).collect();
    let ends = ["reference", "state", "committed-image-missing", "restore"];
    assert!(kinds.ends_with(&ends.map(str::to_owned)), "{kinds:?}");
    expect_sound(&bench.root());
    // Twice is once.
    let (reply, done) = repair(&bench, &[&path], false);
    assert_eq!((reply.planned, done.len()), (0, 0));
}

#[test]
fn it_is_found_in_a_directory_and_in_another_catalog() {
    let (bench, id, path) = missing();
    let other = Bench::new();
    let copy = other.path("copy.isi");
    std::fs::copy(&path, &copy).unwrap();
    crate::world::import(&mut other.open(), &copy).unwrap();
    for from in [path.parent().unwrap().to_owned(), other.root()] {
        let (reply, done) = repair(&bench, &[&from], false);
        assert!(reply.is_whole(), "{reply:?}");
        assert!(done.ends_with(&["fetch".to_owned()]), "{done:?}");
        std::fs::remove_file(bench.artifact(&id)).unwrap();
    }
}

#[test]
fn only_what_is_missed_is_fetched() {
    let (bench, _, path) = missing();
    let elsewhere = Bench::new();
    let other = elsewhere.package(Kit::named("other"));
    let mut damaged = std::fs::read(&path).unwrap();
    damaged[0] ^= 1;
    let changed = elsewhere.path("changed.isi");
    std::fs::write(&changed, damaged).unwrap();
    std::fs::create_dir(elsewhere.path("directory.isi")).unwrap();
    std::os::unix::fs::symlink(&path, elsewhere.path("link.isi")).unwrap();
    let directory = other.parent().unwrap();
    for from in [directory, &other, &changed] {
        let (reply, done) = repair(&bench, &[from], false);
        assert_eq!(codes(&reply), ["E_COMMITTED_IMAGE_MISSING"], "{from:?}");
        assert!(!done.contains(&"fetch".to_owned()), "{done:?}");
    }
    assert_eq!(bench.open().ids().unwrap().len(), 1);
}

#[test]
fn what_is_not_trusted_any_more_is_told_and_stays_missing() {
    let (bench, id, path) = missing();
    let stranger = crate::world::World::new();
    let paths = Paths {
        catalog: bench.root(),
        trust: stranger.paths.clone(),
        system: bench.path("system"),
        jails: std::collections::BTreeMap::new(),
    };
    let ear = Ear::default();
    let call = Call {
        now: now(),
        actor: CONTEXT_ACTOR,
        observer: &ear,
    };
    let request = RepairRequest {
        dry_run: false,
        from: vec![path],
    };
    let service = Local::new(paths, Duration::from_secs(20));
    let reply = service.repair(&request, &call).unwrap();
    assert_eq!(codes(&reply), ["E_COMMITTED_IMAGE_MISSING"]);
    let told = ear.done.into_inner().unwrap();
    assert!(told.contains(&"E_UNTRUSTED".to_owned()), "{told:?}");
    assert!(!bench.artifact(&id).exists());
}

#[test]
fn a_path_that_is_not_there_is_an_error_and_nothing_is_done() {
    let (bench, _, _) = missing();
    let paths = Paths {
        catalog: bench.root(),
        trust: world().paths.clone(),
        system: bench.path("system"),
        jails: std::collections::BTreeMap::new(),
    };
    let before = tree(&bench.root());
    let request = RepairRequest {
        dry_run: false,
        from: vec![bench.path("nowhere")],
    };
    let call = Call {
        now: now(),
        actor: CONTEXT_ACTOR,
        observer: &Silent,
    };
    let service = Local::new(paths, Duration::from_secs(20));
    let error = service.repair(&request, &call).unwrap_err();
    assert_eq!(error.code(), "E_IO");
    assert_eq!(tree(&bench.root()), before);
}
