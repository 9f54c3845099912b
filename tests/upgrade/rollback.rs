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
fn the_first_environment_has_none_before_it() {
    let place = Place::new();
    place.start(&Kit::new("1.0", 1)).unwrap();
    let refused = place.rollback().unwrap_err();
    assert_eq!(refused.code(), "E_NO_WAY_BACK");
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
