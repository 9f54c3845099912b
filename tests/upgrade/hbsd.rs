//! Defects of hbsd-update and its like that this program must not have; each test is named after one.

use std::path::Path;

use isi_catalog::progress::Silent;
use isi_catalog::upgrade::{Action, Engine, Node as _, Rules, Run, plan};

use crate::interrupted::begin;
use crate::world::{Kit, Place, context, name, now};

/// Older versions destroyed the environment whenever creating it failed, also when its name was taken.
#[test]
fn an_existing_environment_of_that_name_is_refused_and_not_touched() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let mine = place.path("system/environments/v1.0/etc/mine");
    std::fs::write(&mine, "keep me").unwrap();
    let id = place.import(&place.package(&Kit::new("2.0", 2)));
    let mut machine = place.machine();
    let facts = machine.facts(id, &context()).unwrap();
    let inventory = machine.inventory(&context()).unwrap();
    let mut rules = Rules {
        environment: Some(name("v1.0")),
        ..Rules::default()
    };
    let refused = plan(&inventory, &facts, &rules).unwrap_err();
    assert_eq!(refused.code(), "E_ENVIRONMENT_EXISTS");
    // Somebody makes one of the planned name after the plan was made: the step refuses it, too, and
    // neither failing nor taking it back touches it.
    rules.environment = Some(name("v2.0"));
    let planned = plan(&inventory, &facts, &rules).unwrap();
    place
        .system
        .create(&name("v2.0"), Some(&name("v1.0")), now(), &Silent)
        .unwrap();
    let journals = place.journals();
    let run = Run::new(now(), "tester", &Silent);
    let mut engine = Engine::begin(&mut machine, &journals, planned, run).unwrap();
    let failed = engine.run(Action::Upgrade).unwrap_err();
    assert_eq!(failed.code(), "E_ENVIRONMENT_EXISTS");
    drop(engine);
    place.rollback().unwrap();
    assert_eq!(place.environments(), ["v1.0", "v2.0"]);
    for environment in ["v1.0", "v2.0"] {
        assert_eq!(place.read(environment, "etc/mine"), "keep me");
    }
    assert_eq!(place.boot(), name("v1.0"));
}

/// A second run with the same directory failed, because the first one had left its own in it.
#[test]
fn a_second_run_in_the_same_directory_works_like_the_first() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let package = place.package(&Kit::new("2.0", 2));
    for _ in 0..3 {
        begin(&place, &package, crate::world::run());
        assert_eq!(place.boot(), name("v2.0"));
        place.rollback().unwrap();
        assert_eq!(place.boot(), name("v1.0"));
        place.system.destroy(&name("v2.0"), None).unwrap();
    }
    begin(&place, &package, crate::world::run());
    assert_eq!(place.boot(), name("v2.0"));
    assert!(place.check().passed());
    place.commit().unwrap();
}

/// The archive was unpacked before its certificate was looked at.
#[test]
fn nothing_is_unpacked_of_a_package_that_does_not_verify() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let id = place.import(&place.package(&Kit::new("2.0", 2)));
    let mut machine = place.machine();
    let facts = machine.facts(id, &context()).unwrap();
    let inventory = machine.inventory(&context()).unwrap();
    let planned = plan(&inventory, &facts, &Rules::default()).unwrap();
    // Whoever is trusted changes after the plan was made, as by a revocation.
    let mut trust = crate::world::trust();
    let stranger = tempfile::tempdir().unwrap();
    let theirs = isi_catalog::trust::dev_pki::generate(stranger.path(), now()).unwrap();
    trust.clone_from(&theirs.trust);
    let mut machine = place.machine_with(trust);
    let journals = place.journals();
    let run = Run::new(now(), "tester", &Silent);
    let mut engine = Engine::begin(&mut machine, &journals, planned, run).unwrap();
    let failed = engine.run(Action::Upgrade).unwrap_err();
    assert!(failed.verdict().is_some(), "{failed}");
    let begun = place.path("system/environments/.OneFS-2.0.new");
    assert_eq!(names(&begun), [""; 0]);
    assert_eq!(place.boot(), name("v1.0"));
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
