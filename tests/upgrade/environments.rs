//! Upgrades and the boot environments that people made themselves.

use std::path::PathBuf;
use std::time::Duration;

use isi_catalog::fsio::Dir;
use isi_catalog::progress::Silent;
use isi_catalog::service::{
    Call, CreateEnvironmentRequest, DestroyEnvironmentRequest, EnvironmentContent, Local,
    Management as _, Paths, ServiceError, Target,
};
use isi_catalog::upgrade::{Action, Engine, Node as _, Rules, plan};

use crate::world::{Kit, Place, context, name, now, run, trust};

/// An environment that somebody made, with something in it that nobody else has.
fn precious(place: &Place, environment: &str) -> PathBuf {
    let name = name(environment);
    place.system.create(&name, None, now(), &Silent).unwrap();
    let file = place.system.path_of(&name).join("precious");
    std::fs::write(&file, "the only copy").unwrap();
    file
}

fn is_whole(file: &PathBuf) -> bool {
    std::fs::read(file).is_ok_and(|content| content == b"the only copy")
}

#[test]
fn hbsd_1_6_an_environment_that_has_the_name_already_is_refused_and_not_touched() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let file = precious(&place, "v2.0");
    let before = place.system.environments(None).unwrap();
    let refused = place.start(&Kit::new("2.0", 2)).unwrap_err();
    assert_eq!(refused.code(), "E_ENVIRONMENT_EXISTS");
    assert!(is_whole(&file));
    assert_eq!(place.system.environments(None).unwrap(), before);
    assert_eq!(place.boot(), name("v1.0"));
}

#[test]
fn hbsd_1_6_an_environment_that_takes_the_name_after_the_plan_survives_upgrade_and_rollback() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let id = place.import(&place.package(&Kit::new("2.0", 2)));
    let mut machine = place.machine();
    let facts = machine.facts(id, &context()).unwrap();
    let inventory = machine.inventory(&context()).unwrap();
    let rules = Rules {
        environment: Some(name("v2.0")),
        ..Rules::default()
    };
    let plan = plan(&inventory, &facts, &rules).unwrap();
    let file = precious(&place, "v2.0");
    let journals = place.journals();
    let begun = Engine::begin(&mut machine, &journals, plan, run());
    let refused = begun.and_then(|mut engine| engine.run(Action::Upgrade));
    assert_eq!(refused.unwrap_err().code(), "E_ENVIRONMENT_EXISTS");
    assert!(is_whole(&file));
    place.rollback().unwrap();
    assert!(is_whole(&file));
    assert_eq!(place.environments(), ["v1.0", "v2.0"]);
    let entry = place.system.loader().entry(&name("v2.0")).unwrap().unwrap();
    assert!(!entry.counter.unwrap().is_bad(), "{entry:?}");
    assert_eq!(place.boot(), name("v1.0"));
}

#[test]
fn what_an_upgrade_needs_is_neither_removed_nor_made_by_others() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    place.start(&Kit::new("2.0", 2)).unwrap();
    // It starts, and so is neither the default's fall back nor what ran before.
    place.system.loader().mark_good(&name("v2.0")).unwrap();
    place.boot();
    let paths = Paths {
        catalog: place.path("catalog"),
        trust: trust(),
        system: place.path("system"),
        jails: std::collections::BTreeMap::new(),
    };
    let local = Local::new(paths, Duration::from_secs(20));
    let call = Call {
        now: now(),
        actor: "operator",
        observer: &Silent,
    };
    let destroy = |environment: &str| {
        let request = DestroyEnvironmentRequest {
            target: Target::Machine,
            name: name(environment),
            dry_run: false,
        };
        local.destroy_environment(&request, &call).map(drop)
    };
    let needed = |done: Result<(), ServiceError>, why: &str| {
        let error = done.unwrap_err();
        assert_eq!(error.code(), "E_ENVIRONMENT_NEEDED");
        assert!(error.to_string().contains(why), "{error}");
    };
    needed(destroy("v1.0"), "may be rolled back to it");
    needed(destroy("v2.0"), "upgrade 2 makes it");
    assert_eq!(place.environments(), ["v1.0", "v2.0"]);
    // What the upgrade is in the middle of making is nobody else's to begin anew.
    let root = Dir::open(&place.path("system/environments")).unwrap();
    root.rename_new("v2.0", &root, ".v2.0.new").unwrap();
    let create = CreateEnvironmentRequest {
        target: Target::Machine,
        name: name("v2.0"),
        content: EnvironmentContent::Empty,
        kernel: None,
        storage: None,
    };
    needed(
        local.create_environment(&create, &call).map(drop),
        "makes it",
    );
    assert!(
        place
            .path("system/environments/.v2.0.new/etc/release")
            .exists()
    );
    root.rename_new(".v2.0.new", &root, "v2.0").unwrap();
    place.check();
    place.commit().unwrap();
    precious(&place, "spare");
    destroy("spare").unwrap();
    assert_eq!(place.environments(), ["v2.0"]);
}
