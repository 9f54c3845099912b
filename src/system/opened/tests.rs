use super::*;
use crate::progress::Silent;
use crate::system::loader::{Counter, WhichKernel, Why};
use crate::system::{StorageKind, TargetId};
use jiff::Timestamp;

pub(super) struct Place {
    pub(super) home: tempfile::TempDir,
    pub(super) system: System,
}

impl Place {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let id = TargetId::from_bytes([7; 16]);
        let root = home.path().join("system");
        let system = System::bootstrap(&root, Some(StorageKind::Dir), id).unwrap();
        Self { home, system }
    }

    fn create(&self, text: &str, from: Option<&str>, second: i64) {
        let from = from.map(name);
        let now = Timestamp::from_second(second).unwrap();
        let made = self.system.create(&name(text), from.as_ref(), now, &Silent);
        made.unwrap();
    }

    fn selected(&self) -> (String, Why) {
        let selected = self.system.select().unwrap();
        let name = selected.choice.name.to_string();
        assert!(selected.path.ends_with(format!("environments/{name}")));
        assert_eq!(self.system.current().unwrap().unwrap().as_str(), name);
        (name, selected.choice.why)
    }
}

pub(super) fn name(text: &str) -> EnvName {
    text.parse().unwrap()
}

#[test]
fn an_empty_directory_becomes_a_system_and_what_is_in_another_stays() {
    let home = tempfile::tempdir().unwrap();
    let id = TargetId::from_bytes([0xab; 16]);
    let root = home.path().join("a/b");
    assert!(!System::is_at(&root).unwrap());
    assert_eq!(System::open(&root).unwrap_err().code(), "E_NO_SYSTEM");
    let system = System::bootstrap(&root, None, id).unwrap();
    assert!(System::is_at(&root).unwrap());
    let state = system.state().unwrap();
    assert_eq!(state.target.to_string(), "ab".repeat(16));
    assert_eq!(system.storage().names().unwrap(), []);
    let again = System::bootstrap(&root, None, id).unwrap_err();
    assert_eq!(again.code(), "E_NOT_EMPTY");
    let full = home.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("precious"), "x").unwrap();
    let refused = System::bootstrap(&full, None, id).unwrap_err();
    assert_eq!(refused.code(), "E_NOT_EMPTY");
    assert_eq!(std::fs::read_dir(&full).unwrap().count(), 1);
    // What an interrupted attempt left is gone on with.
    std::fs::remove_file(root.join(STATE)).unwrap();
    std::fs::write(root.join(format!(".{STATE}.new")), "{").unwrap();
    std::fs::create_dir(root.join("trust")).unwrap();
    drop(System::bootstrap(&root, None, id).unwrap());
}

#[test]
fn what_this_version_does_not_know_is_kept_and_what_is_newer_is_refused() {
    let place = Place::new();
    let path = place.home.path().join("system").join(STATE);
    let mut state = place.system.state().unwrap();
    state.others.insert("later".into(), 7.into());
    state.floors.insert("OneFS".into(), 12);
    place.system.store_state(&state).unwrap();
    assert_eq!(place.system.state().unwrap(), state);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"schema\": 1", "\"schema\": 2")).unwrap();
    assert_eq!(place.system.state().unwrap_err().code(), "E_SYSTEM_NEWER");
    for damaged in ["", "{", "[]", "{\"schema\": 1}", "\0"] {
        std::fs::write(&path, damaged).unwrap();
        let error = place.system.state().unwrap_err();
        assert_eq!(error.code(), "E_SYSTEM_DAMAGED", "{damaged:?}");
    }
}

#[test]
fn damage_keeps_nothing_good_from_booting() {
    let place = Place::new();
    let root = place.home.path().join("system");
    place.create("good", None, 1);
    place.create("new", None, 2);
    let now = Timestamp::from_second(3).unwrap();
    place.system.mark_good(&name("good"), now).unwrap();
    place
        .system
        .activate(&name("new"), Activation::default())
        .unwrap();
    for file in [STATE, "records/good.json", "records/new.json"] {
        std::fs::write(root.join(file), "\0").unwrap();
    }
    std::fs::write(root.join("loader/loader.conf"), "\0").unwrap();
    std::fs::create_dir(root.join("loader/next")).unwrap();
    let damaged = System::open(&root).unwrap_err();
    assert_eq!(damaged.code(), "E_SYSTEM_DAMAGED");
    let system = System::open_to_select(&root).unwrap();
    let choice = system.select().unwrap().choice;
    assert_eq!((choice.name, choice.why), (name("good"), Why::FallBack));
    let listed = system.environments(None).unwrap_err();
    assert_eq!(listed.code(), "E_SYSTEM_DAMAGED");
    let state = State::new(TargetId::from_bytes([7; 16]), StorageKind::Dir);
    place.system.store_state(&state).unwrap();
    let listed = system.environments(None).unwrap();
    assert!(listed.iter().all(|one| one.damage.is_some()), "{listed:?}");
    let elsewhere = System::open_to_select(place.home.path()).unwrap_err();
    assert_eq!(elsewhere.code(), "E_NO_SYSTEM");
}

#[test]
fn a_record_is_of_the_environment_it_is_named_after() {
    let place = Place::new();
    place.create("a", None, 1);
    assert_eq!(place.system.record(&name("b")).unwrap(), None);
    let records = place.home.path().join("system/records");
    std::fs::copy(records.join("a.json"), records.join("b.json")).unwrap();
    let error = place.system.record(&name("b")).unwrap_err();
    assert_eq!(error.code(), "E_SYSTEM_DAMAGED");
}

#[test]
fn a_copy_has_the_kernels_and_is_not_booted_until_it_is_activated() {
    let place = Place::new();
    let root = place.home.path().join("system");
    place.create("one", None, 1);
    std::fs::create_dir(root.join("kernels/one")).unwrap();
    std::fs::write(root.join("kernels/one/vmlinuz"), "kernel").unwrap();
    let mut record = place.system.record(&name("one")).unwrap().unwrap();
    record.boot = Some(crate::system::Boot {
        kernel: "vmlinuz".into(),
        initrd: vec![],
        options: "quiet".into(),
        old: None,
    });
    place.system.store_record(&record).unwrap();
    let trial = place.system.loader().entry(&name("one")).unwrap().unwrap();
    assert_eq!(trial.counter, Some(Counter::new(3)));
    assert_eq!(
        place.system.select().unwrap_err().code(),
        "E_NOTHING_TO_BOOT"
    );
    assert_eq!(place.system.current().unwrap(), None);
    place
        .system
        .activate(&name("one"), Activation::default())
        .unwrap();
    assert_eq!(place.selected(), ("one".into(), Why::Default));
    let now = Timestamp::from_second(5).unwrap();
    place.system.mark_good(&name("one"), now).unwrap();
    let record = place.system.record(&name("one")).unwrap().unwrap();
    assert_eq!(record.good_since, Some(now));

    place.create("two", Some("one"), 2);
    assert_eq!(place.selected(), ("one".into(), Why::Default));
    let kernel = std::fs::read(root.join("kernels/two/vmlinuz")).unwrap();
    assert_eq!(kernel, b"kernel");
    let entry = place
        .system
        .loader()
        .entry(&name("two"))
        .unwrap()
        .unwrap()
        .entry;
    assert_eq!(entry.kernel.as_deref(), Some("/kernels/two/vmlinuz"));
    assert_eq!(entry.command_line(), "isi.env=two quiet");
    let once = Activation {
        once: Some(WhichKernel::Own),
        tries: Some(1),
    };
    place.system.activate(&name("two"), once).unwrap();
    assert_eq!(place.selected(), ("two".into(), Why::Next));
    assert_eq!(place.selected(), ("one".into(), Why::Default));
    // Its one try is used; activating it anew gives it new ones.
    place
        .system
        .activate(&name("two"), Activation::default())
        .unwrap();
    for _ in 0..3 {
        assert_eq!(place.selected(), ("two".into(), Why::Default));
    }
    assert_eq!(place.selected(), ("one".into(), Why::FallBack));
}

#[test]
fn the_old_kernel_boots_once_when_asked_takes_a_try_and_goes_with_its_environment() {
    let place = Place::new();
    let root = place.home.path().join("system");
    let entries = || {
        let found = std::fs::read_dir(root.join("loader/entries")).unwrap();
        let mut names: Vec<_> = found
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let system = &place.system;
    let (good, new) = (name("good"), name("new"));
    place.create("good", None, 1);
    system
        .mark_good(&good, Timestamp::from_second(1).unwrap())
        .unwrap();
    system.activate(&good, Activation::default()).unwrap();
    let old = Activation {
        once: Some(WhichKernel::Old),
        tries: None,
    };
    let none = system.activate(&good, old).unwrap_err();
    assert_eq!(none.code(), "E_NO_OLD_KERNEL");
    place.create("new", None, 2);
    let mut record = system.record(&new).unwrap().unwrap();
    record.boot = Some(crate::system::Boot {
        kernel: "vmlinuz".into(),
        initrd: vec!["vmlinuz.initrd".into()],
        options: "quiet".into(),
        old: Some(crate::system::OldKernel {
            kernel: "vmlinuz.old".into(),
            initrd: vec!["vmlinuz.initrd.old".into()],
        }),
    });
    system.store_record(&record).unwrap();
    system.loader().remove(&new).unwrap();
    // What is missing is made of the record.
    system.activate(&new, Activation::default()).unwrap();
    assert_eq!(
        entries(),
        ["isi-good.conf", "isi-new+3.conf", "isi.old-new.conf"]
    );
    let selected = || {
        let selected = system.select().unwrap();
        let kernel = selected.entry.kernel.clone().unwrap_or_default();
        (
            selected.choice.name.to_string(),
            kernel,
            selected.entry.command_line(),
        )
    };
    let own = (
        "new".into(),
        "/kernels/new/vmlinuz".into(),
        "isi.env=new quiet".into(),
    );
    let kept = (
        "new".into(),
        "/kernels/new/vmlinuz.old".into(),
        "isi.env=new isi.kernel=old quiet".into(),
    );
    system.activate(&new, old).unwrap();
    let listed = system.environments(None).unwrap();
    assert_eq!(listed[1].roles, [Role::Default, Role::NextOldKernel]);
    let entry = listed[1].old_kernel.clone().unwrap();
    assert_eq!(entry.title, "new, old kernel");
    assert_eq!(entry.initrd, ["/kernels/new/vmlinuz.initrd.old"]);
    let needed = system.needed(&new, None).unwrap();
    assert!(needed.contains(&"it boots next".to_owned()), "{needed:?}");
    assert_eq!(selected(), kept);
    assert_eq!(selected(), own);
    assert!(entries().contains(&"isi-new+1-2.conf".to_owned()));
    // Its tries end, whatever kernel takes them.
    system.activate(&new, old).unwrap();
    assert_eq!(selected(), kept);
    assert_eq!(selected().0, "good");
    // A copy has it, too.
    place.create("copy", Some("new"), 3);
    assert!(entries().contains(&"isi.old-copy.conf".to_owned()));
    system.activate(&good, Activation::default()).unwrap();
    system.destroy(&new, None).unwrap();
    assert!(!entries().contains(&"isi.old-new.conf".to_owned()));
    // A removal that was killed when only that was left.
    std::fs::write(root.join("loader/entries/isi.old-new.conf"), "").unwrap();
    system.destroy(&new, None).unwrap();
    let unknown = system.destroy(&new, None).unwrap_err();
    assert_eq!(unknown.code(), "E_ENVIRONMENT_UNKNOWN");
    assert_eq!(
        entries(),
        ["isi-copy+3.conf", "isi-good.conf", "isi.old-copy.conf"]
    );
}

#[test]
fn b17_an_environment_whose_name_is_taken_is_refused_and_not_touched() {
    let place = Place::new();
    place.create("mine", None, 1);
    let root = place.home.path().join("system/environments/mine");
    std::fs::write(root.join("precious"), "x").unwrap();
    place
        .system
        .activate(&name("mine"), Activation::default())
        .unwrap();
    let before = place.system.environments(None).unwrap();
    for from in [None, Some(name("mine"))] {
        let now = Timestamp::from_second(9).unwrap();
        let refused = place
            .system
            .create(&name("mine"), from.as_ref(), now, &Silent);
        assert_eq!(refused.unwrap_err().code(), "E_ENVIRONMENT_EXISTS");
    }
    assert_eq!(place.system.environments(None).unwrap(), before);
    assert_eq!(std::fs::read(root.join("precious")).unwrap(), b"x");
}

#[test]
fn what_is_needed_is_not_destroyed() {
    let place = Place::new();
    let now = Timestamp::from_second(1).unwrap();
    for (environment, second) in [("old", 1), ("good", 2), ("new", 3), ("spare", 4)] {
        place.create(environment, None, second);
    }
    for good in ["old", "good"] {
        place.system.mark_good(&name(good), now).unwrap();
    }
    place
        .system
        .activate(&name("new"), Activation::default())
        .unwrap();
    let once = Activation {
        once: Some(WhichKernel::Own),
        tries: None,
    };
    place.system.activate(&name("spare"), once).unwrap();
    let needed = |environment: &str, booted: Option<&str>| {
        let booted = booted.map(name);
        let refused = place.system.destroy(&name(environment), booted.as_ref());
        let error = refused.unwrap_err();
        assert_eq!(error.code(), "E_ENVIRONMENT_NEEDED", "{environment}");
        error.to_string()
    };
    assert!(needed("new", None).contains("by default"));
    assert!(needed("spare", None).contains("boots next"));
    assert!(needed("good", None).contains("default does not work"));
    assert!(needed("old", Some("old")).contains("it runs"));
    place.system.destroy(&name("old"), None).unwrap();
    let root = place.home.path().join("system");
    for (directory, left) in [("environments", 3), ("records", 3), ("loader/entries", 3)] {
        let found = std::fs::read_dir(root.join(directory)).unwrap().count();
        assert_eq!(found, left, "{directory}");
    }
    let unknown = place.system.destroy(&name("old"), None).unwrap_err();
    assert_eq!(unknown.code(), "E_ENVIRONMENT_UNKNOWN");
    drop(
        place
            .system
            .storage()
            .begin(&name("begun"), None, &Silent)
            .unwrap(),
    );
    let listed = place.system.environments(None).unwrap();
    assert!(
        !listed
            .iter()
            .find(|e| e.name == name("begun"))
            .unwrap()
            .finished
    );
    place.system.destroy(&name("begun"), None).unwrap();
    assert_eq!(place.system.storage().unfinished().unwrap(), []);
}

#[test]
fn what_was_interrupted_is_done_by_the_next_attempt() {
    let place = Place::new();
    let root = place.home.path().join("system");
    place.create("good", None, 1);
    place.create("two", None, 2);
    // A removal that was killed after its first step, and one that was killed before its last.
    std::fs::rename(
        root.join("environments/two"),
        root.join("environments/.two.gone"),
    )
    .unwrap();
    place.system.destroy(&name("two"), None).unwrap();
    std::fs::create_dir_all(root.join("kernels/two/more")).unwrap();
    place.system.destroy(&name("two"), None).unwrap();
    let unknown = place.system.destroy(&name("two"), None).unwrap_err();
    assert_eq!(unknown.code(), "E_ENVIRONMENT_UNKNOWN");
    for directory in ["environments", "records", "loader/entries"] {
        let left = std::fs::read_dir(root.join(directory)).unwrap().count();
        assert_eq!(left, 1, "{directory}");
    }
    assert_eq!(std::fs::read_dir(root.join("kernels")).unwrap().count(), 0);
    // Whatever is left of one that is gone, it can be removed.
    for left in layout::OF_ENVIRONMENTS {
        std::fs::create_dir(root.join(left).join("gone")).unwrap();
        place.system.destroy(&name("gone"), None).unwrap();
        assert!(!root.join(left).join("gone").exists(), "{left}");
        let unknown = place.system.destroy(&name("gone"), None).unwrap_err();
        assert_eq!(unknown.code(), "E_ENVIRONMENT_UNKNOWN");
    }
    // A making that was killed before its last step, and then was made anew from something else.
    place.create("two", Some("good"), 3);
    std::fs::rename(
        root.join("environments/two"),
        root.join("environments/.two.new"),
    )
    .unwrap();
    std::fs::write(root.join("environments/.two.new/half"), "").unwrap();
    place.create("two", None, 4);
    assert!(!root.join("environments/two/half").exists());
    assert_eq!(
        place.system.record(&name("two")).unwrap().unwrap().parent,
        None
    );
    assert_eq!(place.system.storage().unfinished().unwrap(), []);
    // What is killed after the last step is whole.
    let entry = place.system.loader().entry(&name("two")).unwrap().unwrap();
    assert_eq!(entry.counter, Some(Counter::new(3)));
}

#[test]
fn the_running_environment_is_the_booted_one_if_it_is_ours() {
    let place = Place::new();
    place.create("a", None, 1);
    place.create("b", None, 1);
    let running = |booted: Option<&str>| {
        let booted = booted.map(name);
        place
            .system
            .running(booted.as_ref())
            .unwrap()
            .map(String::from)
    };
    assert_eq!(running(Some("b")), Some("b".into()));
    assert_eq!(running(Some("elsewhere")), None);
    place.system.point_current_to(&name("a")).unwrap();
    assert_eq!(running(None), Some("a".into()));
    assert_eq!(running(Some("elsewhere")), Some("a".into()));
    let current = place.home.path().join("system").join(CURRENT);
    for target in ["environments/gone", "/etc", "../../x", "environments/a/b"] {
        std::fs::remove_file(&current).unwrap();
        std::os::unix::fs::symlink(target, &current).unwrap();
        assert_eq!(running(None), None, "{target}");
    }
}

#[test]
fn many_who_select_at_once_each_take_a_try_of_their_own() {
    let place = Place::new();
    place.create("good", None, 1);
    place.create("trial", None, 2);
    let now = Timestamp::from_second(1).unwrap();
    place.system.mark_good(&name("good"), now).unwrap();
    let tries = Activation {
        once: None,
        tries: Some(6),
    };
    place.system.activate(&name("trial"), tries).unwrap();
    let chosen: Vec<String> = std::thread::scope(|scope| {
        let select = || place.system.select().unwrap().choice.name.to_string();
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || [select(), select()]))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        chosen.iter().filter(|name| *name == "trial").count(),
        6,
        "{chosen:?}"
    );
    assert_eq!(
        chosen.iter().filter(|name| *name == "good").count(),
        2,
        "{chosen:?}"
    );
}

#[test]
fn what_was_being_made_for_an_environment_that_is_gone_is_swept_away() {
    let place = Place::new();
    place.create("kept", None, 1);
    let root = place.home.path().join("system");
    for directory in layout::OF_ENVIRONMENTS {
        for name in ["kept", "gone"] {
            std::fs::create_dir(root.join(directory).join(format!(".{name}.new"))).unwrap();
        }
    }
    for name in ["kept", "gone"] {
        let record = root.join(layout::RECORDS).join(format!(".{name}.json.new"));
        std::fs::write(record, "{").unwrap();
    }
    let in_loader = ["loader/.next.new", "loader/entries/.isi-gone+3.conf.new"];
    for name in in_loader {
        std::fs::write(root.join(name), "torn").unwrap();
    }
    place.system.sweep().unwrap();
    assert!(in_loader.iter().all(|name| !root.join(name).exists()));
    assert_eq!(place.system.loader().entries().unwrap().len(), 1);
    for directory in layout::OF_ENVIRONMENTS {
        let directory = root.join(directory);
        assert!(directory.join(".kept.new").exists());
        assert!(!directory.join(".gone.new").exists());
    }
    assert!(!root.join(layout::RECORDS).join(".gone.json.new").exists());
}

#[test]
fn one_changer_at_a_time() {
    let place = Place::new();
    let held = place.system.lock(Duration::ZERO, &Silent).unwrap();
    let other = System::open(&place.home.path().join("system")).unwrap();
    let error = other.lock(Duration::ZERO, &Silent).unwrap_err();
    assert_eq!(error.code(), "E_LOCKED");
    let holder = format!("process {}", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    drop(held);
    drop(other.lock(Duration::ZERO, &Silent).unwrap());
}

#[test]
fn a_system_that_others_may_change_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let root = place.home.path().join("system");
    for path in [root.clone(), root.join(ENVIRONMENTS), root.join(LOADER)] {
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
        mode(0o777).unwrap();
        let error = System::open(&root).unwrap_err();
        assert_eq!(error.code(), "E_WRITABLE_BY_OTHERS", "{}", path.display());
        mode(0o700).unwrap();
        drop(System::open(&root).unwrap());
    }
}
