//! What is permanent, what is kept for it, and what goes.

use isi_catalog::catalog::ReferenceKind;

use crate::world::{Kit, Place, context, name};

#[test]
fn a_commit_keeps_the_image_raises_the_floor_and_removes_what_is_not_needed() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 5));
    let first = place.committed();
    assert_eq!(place.references(&first), ["committed-image"]);
    place.start(&Kit::new("2.0", 8)).unwrap();
    assert_eq!(place.boot(), name("v2.0"));
    assert!(place.check().passed());
    let said = place.irreversible();
    let codes: Vec<_> = said.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(
        codes,
        ["W_NO_WAY_BACK", "W_REMOVED", "W_FLOOR", "W_RELEASED"]
    );
    assert!(said[0].1.contains("v1.0"), "{said:?}");
    assert!(said[2].1.contains("from 5 to 8"), "{said:?}");
    assert_eq!(place.environments(), ["v1.0", "v2.0"]);

    let committed = place.commit().unwrap();
    let state = place.system.state().unwrap();
    assert_eq!(state.committed.as_ref(), Some(&committed.image));
    assert_eq!(state.floors["onefs"], 8);
    assert!(committed.present);
    assert_eq!(committed.image.environment, name("v2.0"));
    assert_eq!(place.environments(), ["v2.0"]);
    let second = committed.image.origin.package;
    assert_eq!(place.references(&second), ["committed-image"]);
    assert_eq!(place.references(&first), [""; 0]);
    assert!(place.events().ends_with(&["upgrade-commit".to_owned()]));
    // Once more changes nothing, and is none.
    let events = place.events().len();
    assert_eq!(place.commit().unwrap(), committed);
    assert_eq!(place.irreversible(), []);
    assert_eq!(place.events().len(), events);
}

#[test]
fn what_does_not_run_or_is_not_known_to_be_well_is_not_committed() {
    let place = Place::new();
    let nothing = place.commit().unwrap_err();
    assert_eq!(nothing.code(), "E_NOT_NOW");
    // An upgrade is under way, and nobody is told that none is.
    place.start(&Kit::new("0.1", 1)).unwrap();
    let nothing = place.commit().unwrap_err();
    assert_eq!(nothing.code(), "E_NOT_NOW");
    assert!(nothing.to_string().contains("started yet"), "{nothing}");
    place.boot();
    place.check();
    place.commit().unwrap();
    place.installed(&Kit::new("1.0", 1));
    place.start(&Kit::new("2.0", 2)).unwrap();
    let not_started = place.commit().unwrap_err();
    assert_eq!(not_started.code(), "E_NOT_NOW");
    assert!(
        not_started.to_string().contains("v1.0 runs"),
        "{not_started}"
    );
    place.boot();
    let not_looked_at = place.commit().unwrap_err();
    assert!(not_looked_at.hint().unwrap().contains("bootenv check"));
    // Somebody who knows better marks it good.
    place
        .system
        .mark_good(&name("v2.0"), crate::world::now())
        .unwrap();
    place.commit().unwrap();
    assert_eq!(place.system.state().unwrap().floors["onefs"], 2);
}

#[test]
fn a_downgrade_below_the_floor_is_refused_and_a_commit_never_lowers_it() {
    let place = Place::new();
    place.installed(&Kit::new("2.0", 8));
    let refused = place.start(&Kit::new("1.0", 7)).unwrap_err();
    assert_eq!(refused.code(), "E_DOWNGRADE");
    assert!(
        place.standing().unwrap().outcome.is_some(),
        "nothing was begun"
    );
    place.installed(&Kit::new("2.1", 8));
    assert_eq!(place.system.state().unwrap().floors["onefs"], 8);
}

#[test]
fn environments_that_somebody_made_stay() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let progress = &isi_catalog::progress::Silent;
    let now = crate::world::now();
    let mine = name("mine");
    place.system.create(&mine, None, now, progress).unwrap();
    let copy = name("copy");
    let from = name("v1.0");
    place
        .system
        .create(&copy, Some(&from), now, progress)
        .unwrap();
    place.installed(&Kit::new("2.0", 2));
    assert_eq!(place.environments(), ["copy", "mine", "v2.0"]);
}

#[test]
fn a_committed_image_that_is_gone_is_told_and_kept_as_needed() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let id = place.committed();
    let digits = id.to_string();
    let artifact = format!("catalog/artifacts/{}/{digits}/package.isi", &digits[..2]);
    std::fs::remove_file(place.path(&artifact)).unwrap();
    let committed = place.commit().unwrap();
    assert!(!committed.present);
    assert!(
        place
            .events()
            .ends_with(&["committed-image-missing".to_owned()])
    );
    assert_eq!(place.references(&id), ["committed-image"]);
    // Fetched again by an import, it is there.
    place.import(&place.path("image-1.0.isi"));
    assert!(place.commit().unwrap().present);
}

#[test]
fn a_reference_that_somebody_dropped_comes_back() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let id = place.committed();
    let holder = format!("system {}", place.system.state().unwrap().target);
    let kind = ReferenceKind::CommittedImage;
    place
        .catalog()
        .release_reference(&id, kind, &holder, "by mistake", &context())
        .unwrap();
    place.commit().unwrap();
    assert_eq!(place.references(&id), ["committed-image"]);
}
