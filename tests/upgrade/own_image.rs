//! A system that never was a package becomes one.

use std::os::unix::fs::PermissionsExt as _;

use isi_catalog::catalog::ExportRequest;
use isi_catalog::fsio::OnExisting;
use isi_catalog::progress::Silent;
use isi_catalog::system::Activation;
use isi_catalog::trust::TrustStore;
use isi_catalog::upgrade::{Action, Engine, Node as _, Permanent, Rules, plan, preview_commit};

use crate::world::{Kit, Place, context, import, name, now, open_catalog, run, trust};

/// A system that somebody put together by hand, and that runs.
fn by_hand() -> Place {
    let place = Place::new();
    let own = name("own");
    place.system.create(&own, None, now(), &Silent).unwrap();
    let root = place.path("system/environments/own");
    for directory in ["etc", "usr/bin", "run"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    let write = |file: &str, text: &str| std::fs::write(root.join(file), text).unwrap();
    write(
        "etc/os-release",
        "ID=mine\nVERSION_ID=\"3.2\"\nPRETTY_NAME=\"Mine 3\"\n",
    );
    write("etc/secret", "s");
    write("usr/bin/tool", "#!/bin/sh\n");
    let mode = |file: &str, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(root.join(file), permissions).unwrap();
    };
    mode("etc/secret", 0o600);
    mode("usr/bin/tool", 0o755);
    std::os::unix::fs::symlink("tool", root.join("usr/bin/link")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(root.join("run/socket")).unwrap());
    std::fs::create_dir(place.path("system/kernels/own")).unwrap();
    std::fs::write(place.path("system/kernels/own/vmlinuz"), "kernel").unwrap();
    place.system.activate(&own, Activation::default()).unwrap();
    place.system.mark_good(&own, now()).unwrap();
    place.boot();
    place
}

#[test]
fn it_is_kept_pinned_exported_and_imported_where_its_key_is_trusted() {
    let place = by_hand();
    let preview = preview_commit(&mut place.machine(), &place.journals(), &run()).unwrap();
    assert_eq!(preview.permanent, Permanent::OwnImage);
    assert_eq!(preview.irreversible[0].code, "W_OWN_IMAGE");
    assert_eq!(place.system.state().unwrap().committed, None);

    let committed = place.commit().unwrap();
    assert!(committed.present);
    let origin = &committed.image.origin;
    assert_eq!(
        (origin.name.as_str(), origin.version.as_str()),
        ("local-image", "3.2")
    );
    assert_eq!(place.references(&origin.package), ["committed-image"]);
    assert_eq!(place.environments(), ["own"]);
    assert_eq!(place.system.storage().unfinished().unwrap(), []);
    // The system itself is as it was, its socket too.
    assert!(place.path("system/environments/own/run/socket").exists());
    let again = place.commit().unwrap();
    assert_eq!(again, committed, "one image is enough");

    let file = place.path("own.isi");
    let vendor = TrustStore::load(&trust()).unwrap();
    let with_key = || {
        let vendor = TrustStore::load(&trust()).unwrap();
        vendor.with_local(&place.system.local_key()).unwrap()
    };
    let request = ExportRequest {
        id: origin.package,
        target: &file,
        on_existing: OnExisting::Refuse,
        side_file: false,
        trust: &with_key(),
        override_reason: None,
    };
    place.catalog().export(&request, &context()).unwrap();
    let mut other = open_catalog(&place.path("other"));
    let refused = import(&mut other, &file, &vendor).unwrap_err();
    assert_eq!(refused.code(), "E_CHAIN");
    let id = import(&mut other, &file, &with_key()).unwrap();
    assert_eq!(id, origin.package);
}

#[test]
fn it_can_be_installed_again_and_is_the_same_tree() {
    let place = by_hand();
    let committed = place.commit().unwrap();
    let id = committed.image.origin.package;
    let mut machine = place.machine();
    let facts = machine.facts(id, &context()).unwrap();
    assert_eq!(facts.kernels, ["vmlinuz"]);
    let inventory = machine.inventory(&context()).unwrap();
    let rules = Rules {
        environment: Some(name("again")),
        ..Rules::default()
    };
    let plan = plan(&inventory, &facts, &rules).unwrap();
    let journals = place.journals();
    let mut engine = Engine::begin(&mut machine, &journals, plan, run()).unwrap();
    engine.run(Action::Upgrade).unwrap();
    let root = place.path("system/environments/again");
    let mode = |file: &str| {
        std::fs::metadata(root.join(file))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("etc/secret") & 0o7777, 0o600);
    assert_eq!(mode("usr/bin/tool") & 0o7777, 0o755);
    assert_eq!(
        std::fs::read_link(root.join("usr/bin/link"))
            .unwrap()
            .to_str(),
        Some("tool")
    );
    assert_eq!(place.read("again", "etc/secret"), "s");
    assert!(!root.join("run/socket").exists());
    assert_eq!(place.boot(), name("again"));
    assert!(place.check().passed());
    place.commit().unwrap();
    assert_eq!(place.environments(), ["again"]);
}

#[test]
fn an_interrupted_attempt_is_no_hindrance() {
    let place = by_hand();
    let copy = name("image-of-own");
    let own = name("own");
    drop(
        place
            .system
            .storage()
            .begin(&copy, Some(&own), &Silent)
            .unwrap(),
    );
    place.commit().unwrap();
    assert_eq!(place.system.storage().unfinished().unwrap(), []);
}

#[test]
fn an_upgrade_replaces_it() {
    let place = by_hand();
    place.installed(&Kit::new("9.0", 1));
    assert_eq!(place.environments(), ["v9.0"]);
    let state = place.system.state().unwrap();
    assert_eq!(state.committed.unwrap().origin.version, "9.0");
}
