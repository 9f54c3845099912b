//! Defects of hbsd-update and its like that this program must not have; each test is named after one.

use std::path::Path;

use isi_catalog::manifest::RegionKind;
use isi_catalog::progress::Silent;
use isi_catalog::system::{Activation, KernelChoice, WhichKernel};
use isi_catalog::upgrade::{Action, Carrying, Engine, Node as _, Rules, Run, UpgradeError, plan};

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

/// What only the lists and kernels of an image are for.
fn with_list(kit: Kit, kind: RegionKind, name: &'static str, text: &'static str) -> Kit {
    kit.with(kind, name, text)
}

/// A file of the tree that an image will be made of, and another name of it.
fn linked(place: &Place, version: &str, text: &str) {
    let tree = place.path(&format!("tree-{version}"));
    for directory in ["boot", "usr"] {
        std::fs::create_dir_all(tree.join(directory)).unwrap();
    }
    std::fs::write(tree.join("boot/loader"), text).unwrap();
    std::fs::hard_link(tree.join("boot/loader"), tree.join("usr/loader")).unwrap();
}

/// Issue 312: a hard link in the archive to a member that was skipped stopped the installation half-way.
#[test]
fn hard_link_to_a_skipped_file() {
    let place = Place::new();
    linked(&place, "1", "one");
    place.installed(&Kit::new("1", 1));
    let loader = place.path("system/environments/v1/boot/loader");
    std::fs::remove_file(&loader).unwrap();
    std::fs::write(&loader, "mine").unwrap();
    linked(&place, "2", "two");
    let skip = with_list(Kit::new("2", 2), RegionKind::SkipList, "skip-list", "boot");
    place.start(&skip).unwrap();
    assert_eq!(place.read("v2", "boot/loader"), "mine");
    assert_eq!(place.read("v2", "usr/loader"), "two");
}

/// As above, where what is skipped was never there.
#[test]
fn hard_link_to_a_skipped_file_that_is_missing() {
    let place = Place::new();
    place.installed(&Kit::new("1", 1));
    linked(&place, "2", "two");
    let skip = with_list(
        Kit::new("2", 2),
        RegionKind::SkipList,
        "skip-list",
        "boot/loader",
    );
    place.start(&skip).unwrap();
    assert!(!place.path("system/environments/v2/boot/loader").exists());
    assert_eq!(place.read("v2", "usr/loader"), "two");
}

/// Issue 365: `-n` on a new jail still wanted a kernel.
#[test]
fn no_kernel_still_wants_a_kernel() {
    let none = || Carrying {
        kernel: KernelChoice::None,
        ..Carrying::default()
    };
    let kernels = Place::new();
    let kit = |version, counter| {
        let kit = with_list(
            Kit::new(version, counter),
            RegionKind::Kernel,
            "generic",
            "1",
        );
        with_list(kit, RegionKind::Kernel, "debug", "2")
    };
    let environment = kernels.start_with(&kit("1", 1), none()).unwrap();
    assert!(!kernels.path("system/kernels/v1").exists());
    let record = kernels.system.record(&environment).unwrap().unwrap();
    assert_eq!(record.boot, None);

    // Nor is one wanted where the package has none.
    let bare = Place::new();
    bare.start_with(&Kit::new("1", 1), none()).unwrap();
    assert!(!bare.path("system/kernels/v1").exists());
}

/// `-K`: the kernel of before is kept beside the new one, and an image without one boots as before.
#[test]
fn the_old_kernel_is_kept() {
    let place = Place::new();
    let kernel = |version, counter, text| {
        with_list(
            Kit::new(version, counter),
            RegionKind::Kernel,
            "generic",
            text,
        )
    };
    place.installed(&kernel("1", 1, "old"));
    let keep = Carrying {
        keep_old_kernel: true,
        ..Carrying::default()
    };
    let environment = place
        .start_with(&kernel("2", 2, "new"), keep.clone())
        .unwrap();
    let read =
        |name: &str| std::fs::read_to_string(place.path("system/kernels").join(name)).unwrap();
    assert_eq!(read("v2/generic"), "#!/bin/sh\nnew\n");
    assert_eq!(read("v2/generic.old"), "#!/bin/sh\nold\n");
    let record = place.system.record(&environment).unwrap().unwrap();
    let boot = record.boot.unwrap();
    assert_eq!(boot.kernel, "generic");
    assert_eq!(boot.old.unwrap().kernel, "generic.old");
    // It can be booted, and is not unless somebody asks.
    let entries = place.path("system/loader/entries");
    let boots = || place.system.select().unwrap().entry.kernel.unwrap();
    assert_eq!(boots(), "/kernels/v2/generic");
    let once = Activation {
        once: Some(WhichKernel::Old),
        tries: None,
    };
    place.system.activate(&environment, once).unwrap();
    assert_eq!(boots(), "/kernels/v2/generic.old");
    assert_eq!(boots(), "/kernels/v2/generic");
    assert!(place.check().passed());
    place.commit().unwrap();
    assert!(entries.join("isi.old-v2.conf").exists());

    // Installed twice: the kernel that was booted is kept, not the one before it.
    place.start_with(&kernel("3", 3, "newer"), keep).unwrap();
    assert_eq!(read("v3/generic.old"), "#!/bin/sh\nnew\n");
    assert!(entries.join("isi.old-v3.conf").exists());
    place.boot();
    assert!(place.check().passed());
    place.commit().unwrap();
    // It went with the environment that it belonged to.
    assert!(!entries.join("isi.old-v2.conf").exists());
    let bare = place.start(&Kit::new("4", 4)).unwrap();
    assert_eq!(read("v4/generic"), "#!/bin/sh\nnewer\n");
    let record = place.system.record(&bare).unwrap().unwrap();
    assert_eq!(record.boot.unwrap().kernel, "generic");
}

/// What a package brings has its name, and what is kept another one.
#[test]
fn the_old_kernel_takes_no_name_of_the_packages() {
    let place = Place::new();
    let kernel = RegionKind::Kernel;
    place.installed(&with_list(Kit::new("1", 1), kernel, "generic", "old"));
    let kit = with_list(Kit::new("2", 2), kernel, "generic", "new");
    let kit = with_list(kit, kernel, "generic.old", "the vendor's");
    let keep = Carrying {
        keep_old_kernel: true,
        ..Carrying::default()
    };
    let environment = place.start_with(&kit, keep).unwrap();
    let read =
        |name: &str| std::fs::read_to_string(place.path("system/kernels/v2").join(name)).unwrap();
    assert_eq!(read("generic.old"), "#!/bin/sh\nthe vendor's\n");
    assert_eq!(read("generic.old.old"), "#!/bin/sh\nold\n");
    let entry = place.system.loader().old_kernel(&environment).unwrap();
    let path = entry.unwrap().kernel.unwrap();
    assert_eq!(path, "/kernels/v2/generic.old.old");
    // What is given up is not offered any more.
    place.rollback().unwrap();
    let loader = place.system.loader();
    assert_eq!(loader.old_kernel(&environment).unwrap(), None);
    assert!(!place.path("system/loader/entries/isi.old-v2.conf").exists());
}

/// A kernel that the package does not have is refused before anything is done.
#[test]
fn a_kernel_that_is_missing_is_missed_at_once() {
    let place = Place::new();
    let carrying = Carrying {
        kernel: KernelChoice::Named("debug".to_owned()),
        ..Carrying::default()
    };
    let kit = with_list(Kit::new("1", 1), RegionKind::Kernel, "generic", "1");
    let error = place.start_with(&kit, carrying).unwrap_err();
    assert_eq!(error.code(), "E_KERNEL_MISSING");
    assert!(place.environments().is_empty());
}

/// `-K` where there is nothing to keep is refused before anything is done, too.
#[test]
fn a_kernel_that_cannot_be_kept_is_missed_at_once() {
    let place = Place::new();
    let keep = || Carrying {
        keep_old_kernel: true,
        ..Carrying::default()
    };
    let kernel = RegionKind::Kernel;
    // The first environment has none before it, and nothing is wanted of it.
    place.start_with(&Kit::new("1", 1), keep()).unwrap();
    place.boot();
    assert!(place.check().passed());
    place.commit().unwrap();
    // Each is another package: one that is built twice has other times in it.
    let kit = |version, counter| with_list(Kit::new(version, counter), kernel, "generic", "new");
    let error = place.start_with(&kit("2", 2), keep()).unwrap_err();
    assert_eq!(error.code(), "E_KERNEL_NOT_KEPT");
    assert!(
        matches!(error, UpgradeError::Refused(_)),
        "only noticed by a step: {error}"
    );
    assert_eq!(place.environments(), ["v1"]);
    // One that is named and is not there is none.
    place.installed(&kit("3", 3));
    std::fs::remove_file(place.path("system/kernels/v3/generic")).unwrap();
    let error = place.start_with(&kit("4", 4), keep()).unwrap_err();
    assert!(matches!(error, UpgradeError::Refused(_)), "{error}");
    place.start(&kit("5", 5)).unwrap();
}
