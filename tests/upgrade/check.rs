//! Whether the new system is well, by its own word and by that of its package.

use std::time::Duration;

use isi_catalog::manifest::RegionKind;
use isi_catalog::system::CheckedBy;
use isi_catalog::upgrade::{ClusterState, Phase, Settled};

use crate::world::{Kit, Place, can_change_root, name};

#[test]
fn the_old_kernel_proves_nothing_about_the_new_one() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    place.start(&Kit::new("2.0", 2)).unwrap();
    for _ in 0..3 {
        assert_eq!(place.boot(), name("v2.0"));
        let report = place.check_with_the_old_kernel();
        assert_eq!((report.settled, report.passed()), (Settled::Trial, true));
        assert_eq!(place.standing().unwrap().phase(), Phase::Waiting);
    }
    // No kernel of its own came up in all its tries: what is good boots again.
    assert_eq!(place.boot(), name("v1.0"));
    assert_eq!(place.check_with_the_old_kernel().settled, Settled::Nothing);
}

#[test]
fn what_is_well_is_marked_good_once() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    place.start(&Kit::new("2.0", 2)).unwrap();
    assert_eq!(place.standing().unwrap().phase(), Phase::Waiting);
    place.boot();
    let report = place.check();
    assert_eq!(report.settled, Settled::Good);
    assert_eq!(place.standing().unwrap().phase(), Phase::Upgraded);
    let names: Vec<_> = report
        .checks
        .iter()
        .map(|check| check.name.as_str())
        .collect();
    assert_eq!(names, ["environment", "trust", "space"]);
    assert!(place.events().ends_with(&["health-check".to_owned()]));
    assert_eq!(place.check().settled, Settled::Nothing);
    for _ in 0..9 {
        assert_eq!(place.boot(), name("v2.0"));
    }
}

#[test]
fn a_check_of_the_package_that_fails_gives_the_new_system_up() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let check = RegionKind::HealthCheck;
    let kit = Kit::new("2.0", 2)
        .with(
            check,
            "web",
            "read version < /etc/release; echo up in $version; pwd",
        )
        .with(check, "database", "echo lost >&2; exit 3");
    place.start(&kit).unwrap();
    place.boot();
    let report = place.check();
    assert!(!report.passed());
    assert_eq!(report.settled, Settled::Bad);
    let of_package = report
        .checks
        .iter()
        .filter(|check| check.by == CheckedBy::Package);
    let brief: Vec<_> = of_package
        .map(|check| {
            (
                check.name.as_str(),
                check.code.as_deref(),
                check.output.as_str(),
            )
        })
        .collect();
    assert_eq!(
        brief,
        [
            ("web", None, "up in 2.0\n/\n"),
            ("database", Some("E_HEALTH_FAILED"), "lost\n"),
        ]
    );
    let standing = place.standing().unwrap();
    assert_eq!(ClusterState::of(Some(&standing)), ClusterState::Error);
    assert!(
        standing
            .bad
            .unwrap()
            .contains("database: it ended with status 3")
    );
    // The next start is of what was there before, and that is written down.
    assert_eq!(place.boot(), name("v1.0"));
    let report = place.check();
    let rolled_back = report.rolled_back.as_ref().unwrap();
    assert_eq!(rolled_back.environment, name("v2.0"));
    assert!(rolled_back.reason.contains("database"), "{rolled_back:?}");
    assert!(report.passed());
}

#[test]
fn a_check_that_hangs_gives_the_new_system_up_too() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let hangs = "while :; do :; done";
    let kit = Kit::new("2.0", 2).with(RegionKind::HealthCheck, "hang", hangs);
    place.start(&kit).unwrap();
    place.boot();
    let report = place.check_within(Duration::from_millis(300));
    assert_eq!(report.settled, Settled::Bad);
    let last = report.checks.last().unwrap();
    assert_eq!(last.code.as_deref(), Some("E_HEALTH_TIME_LIMIT"));
}

#[test]
fn a_check_that_was_replaced_is_no_check() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let kit = Kit::new("2.0", 2).with(RegionKind::HealthCheck, "web", "exit 1");
    place.start(&kit).unwrap();
    let file = place.path("system/checks/v2.0/0");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
    place.boot();
    let report = place.check();
    assert_eq!(report.settled, Settled::Bad);
    let last = report.checks.last().unwrap();
    assert_eq!(last.code.as_deref(), Some("E_SYSTEM_DAMAGED"));
}

#[test]
fn a_system_that_trusts_nobody_any_more_is_not_well() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    place.start(&Kit::new("2.0", 2)).unwrap();
    place.boot();
    let mut trust = crate::world::trust();
    trust.certs = place.path("nothing");
    let mut machine = place.machine_with(trust);
    let journals = place.journals();
    let run = crate::world::run();
    let report = isi_catalog::upgrade::check(&mut machine, &journals, run).unwrap();
    let failed: Vec<_> = report.checks.iter().filter(|check| !check.passed).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].name, "trust");
    assert_eq!(report.settled, Settled::Bad);
}

#[test]
fn hooks_run_in_the_new_root_and_their_output_is_in_the_event_log() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let hook = RegionKind::Hook;
    let kit = Kit::new("2.0", 2)
        .with(
            hook,
            "post-install",
            "echo $ISI_OLD_VERSION to $ISI_VERSION > /etc/by-hook",
        )
        .with(hook, "pre-install.b", "echo second >> /etc/order")
        .with(
            hook,
            "pre-install.a",
            "echo first >> /etc/order; echo hello",
        );
    place.start(&kit).unwrap();
    assert_eq!(place.read("v2.0", "etc/by-hook"), "1.0 to 2.0\n");
    assert_eq!(place.read("v2.0", "etc/order"), "first\nsecond\n");
    let events = place.catalog().events(None).unwrap();
    let said: Vec<_> = events.iter().filter(|event| event.kind == "hook").collect();
    assert_eq!(said.len(), 3);
    assert_eq!(said[0].details["report"]["output"], "hello\n");
    assert_eq!(said[0].details["phase"], "pre-install");
}

#[test]
fn a_hook_that_fails_ends_the_upgrade_and_the_old_system_is_as_it_was() {
    if !can_change_root() {
        return;
    }
    for phase in ["pre-install", "post-install"] {
        let place = Place::new();
        place.installed(&Kit::new("1.0", 1));
        let kit = Kit::new("2.0", 2).with(RegionKind::Hook, phase, "echo no room; exit 9");
        let error = place.start(&kit).unwrap_err();
        assert_eq!(error.code(), "E_HOOK_FAILED");
        let events = place.catalog().events(None).unwrap();
        let hook = events.iter().find(|event| event.kind == "hook").unwrap();
        assert_eq!(hook.details["report"]["output"], "no room\n");
        assert_eq!(place.environments(), ["v1.0"]);
        assert_eq!(place.boot(), name("v1.0"));
        place.rollback().unwrap();
        assert_eq!(place.environments(), ["v1.0"]);
        assert_eq!(place.system.storage().unfinished().unwrap(), []);
    }
}

#[test]
fn hooks_that_are_not_known_or_not_signed_are_refused_before_anything_is_done() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let kit = Kit::new("2.0", 2).with(RegionKind::Hook, "pre-upgrade", "true");
    let error = place.start(&kit).unwrap_err();
    assert_eq!(error.code(), "E_HOOK_NAME");
    assert_eq!(place.standing().unwrap().number, 1, "nothing was begun");
}
