//! The way back: asked for, and by itself.

use isi_catalog::upgrade::{ClusterState, Outcome, Phase, preview_rollback};

use crate::world::{Kit, Place, name};

#[test]
fn a_rollback_needs_neither_package_nor_catalog_nor_trust() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    place.start(&Kit::new("2.0", 2)).unwrap();
    place.boot();
    assert!(place.check().passed());
    std::fs::rename(place.path("catalog"), place.path("gone")).unwrap();
    std::fs::write(place.path("catalog"), "no directory").unwrap();
    let mut trust = crate::world::trust();
    trust.certs = place.path("nothing");
    let (mut machine, journals) = (place.machine_with(trust), place.journals());
    let run = crate::world::run();
    let standing = isi_catalog::upgrade::rollback(&mut machine, &journals, "too slow", run);
    let standing = standing.unwrap();
    assert_eq!(standing.outcome, Some(Outcome::RolledBack));
    let cause = standing.rollback.unwrap();
    assert_eq!(
        (cause.automatic, cause.reason.as_str()),
        (false, "too slow")
    );
    assert_eq!(place.boot(), name("v1.0"));
    assert_eq!(place.read("v1.0", "etc/release"), "1.0\n");
    // The catalog is there again: its log tells of it, too, and once.
    std::fs::remove_file(place.path("catalog")).unwrap();
    std::fs::rename(place.path("gone"), place.path("catalog")).unwrap();
    let told = || {
        let events = place.events().into_iter();
        events.filter(|kind| kind == "upgrade-rollback").count()
    };
    assert_eq!(told(), 0);
    for _ in 0..2 {
        assert!(place.check().passed());
        assert_eq!(told(), 1);
    }
}

#[test]
fn there_is_no_way_back_from_a_commit_and_a_vendor_who_promises_none_is_heard() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let nothing = place.rollback().unwrap_err();
    assert_eq!(nothing.code(), "E_NO_UPGRADE");
    let kit = Kit {
        rollback: false,
        ..Kit::new("2.0", 2)
    };
    place.start(&kit).unwrap();
    let advice = || {
        let preview = preview_rollback(&place.machine(), &place.journals()).unwrap();
        preview
            .advice
            .into_iter()
            .map(|one| one.code)
            .collect::<Vec<_>>()
    };
    // Before it has started nothing has happened that could not be undone.
    assert_eq!(advice(), [""; 0]);
    place.boot();
    assert_eq!(advice(), ["W_NO_ROLLBACK"]);
    place.rollback().unwrap();
    assert_eq!(place.boot(), name("v1.0"));
    place.installed(&Kit::new("2.1", 3));
    assert_eq!(place.rollback().unwrap_err().code(), "E_NO_UPGRADE");
}

#[test]
fn before_the_first_environment_nothing_was_installed_and_so_it_is_again() {
    let place = Place::new();
    let loader = place.path("system/loader/loader.conf");
    std::fs::write(&loader, "timeout 3\n").unwrap();
    place.start(&Kit::new("1.0", 1)).unwrap();
    place.rollback().unwrap();
    let nothing = place.system.select().unwrap_err();
    assert_eq!(nothing.code(), "E_NOTHING_TO_BOOT");
    assert_eq!(std::fs::read_to_string(loader).unwrap(), "timeout 3\n");
    let state = place.system.state().unwrap();
    assert_eq!((state.installed, state.committed), (None, None));
    assert!(place.events().contains(&"upgrade-rollback".to_owned()));
    // What is left of it is nobody's, and in nobody's way.
    place.system.destroy(&name("v1.0"), None).unwrap();
    place.installed(&Kit::new("1.1", 2));
    assert_eq!(place.environments(), ["v1.1"]);
}

/// The step that lets it boot failed: it could only be tried again.
#[test]
fn a_first_installation_that_failed_in_its_last_step_is_taken_back() {
    let place = Place::new();
    let in_the_way = place.path("system/.system.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    let failed = place.start(&Kit::new("1.0", 1)).unwrap_err();
    assert!(failed.to_string().contains("activate"), "{failed}");
    std::fs::remove_dir(&in_the_way).unwrap();
    place.rollback().unwrap();
    assert_eq!(
        place.system.select().unwrap_err().code(),
        "E_NOTHING_TO_BOOT"
    );
    place.installed(&Kit::new("1.1", 2));
}

#[test]
fn what_runs_has_to_have_something_before_it_to_be_taken_back() {
    let place = Place::new();
    place.start(&Kit::new("1.0", 1)).unwrap();
    assert_eq!(place.boot(), name("v1.0"));
    let refused = place.rollback().unwrap_err();
    assert_eq!(refused.code(), "E_NO_WAY_BACK");
    assert!(refused.to_string().contains("it runs"), "{refused}");
    assert_eq!(place.boot(), name("v1.0"));
}

#[test]
fn what_does_not_come_up_is_given_up_and_that_is_written_down() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let environment = place.start(&Kit::new("2.0", 2)).unwrap();
    for _ in 0..3 {
        assert_eq!(place.boot(), environment, "it is tried three times");
    }
    assert_eq!(place.boot(), name("v1.0"));
    assert_eq!(place.standing().unwrap().phase(), Phase::Waiting);
    let report = place.check();
    let rolled_back = report.rolled_back.unwrap();
    assert!(rolled_back.reason.contains("3 times"), "{rolled_back:?}");
    let standing = place.standing().unwrap();
    assert_eq!(standing.outcome, Some(Outcome::RolledBack));
    assert!(standing.rollback.as_ref().unwrap().automatic);
    assert!(standing.bad.is_some(), "why is kept");
    assert_eq!(ClusterState::of(Some(&standing)), ClusterState::Committed);
    assert!(place.events().contains(&"upgrade-rollback".to_owned()));
    // Only once.
    assert_eq!(place.check().rolled_back, None);
    assert_eq!(place.references(&standing.plan.package.id), [""; 0]);
    // The way is free for the next one, which takes what never came up with it.
    place.installed(&Kit::new("2.1", 3));
    assert_eq!(place.environments(), ["v2.1"]);
}

#[test]
fn an_upgrade_that_was_not_tried_yet_is_not_given_up() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    place.start(&Kit::new("2.0", 2)).unwrap();
    // The old system still runs, and is looked at.
    assert_eq!(place.check().rolled_back, None);
    assert_eq!(place.standing().unwrap().phase(), Phase::Waiting);
    assert_eq!(place.boot(), name("v2.0"));
}
