//! A disk that fills up while an image is unpacked.

use std::path::{Path, PathBuf};
use std::process::Command;

use isi_catalog::manifest::RegionKind;
use isi_catalog::progress::{Progress, Silent};
use isi_catalog::system::Activation;
use isi_catalog::upgrade::{
    Action, Carrying, ClusterState, Engine, Journals, Node as _, PackageFacts, Refusal, Rules, Run,
    Standing, StepEvent, StepState, Watch, check, commit, plan, rollback,
};

use crate::mounted::{Mounted, mount_over};
use crate::world::{Kit, Place, context, name, now, run, system_in};

/// Fills the disk as soon as an image is being unpacked.
struct Fills(PathBuf);

impl Progress for Fills {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
}

impl Watch for Fills {
    fn step(&self, event: &StepEvent) {
        if event.state == StepState::Running && !self.0.exists() {
            // Another process writes it: what this one has open, each process that another test is just
            // starting has open for a moment, too, and a removed file takes room as long.
            let mut dd = Command::new("dd");
            dd.args(["if=/dev/zero", "bs=4096"]);
            dd.arg(format!("of={}", self.0.display()));
            assert!(!dd.output().unwrap().status.success());
        }
    }
}

fn mount(at: &Path) -> Option<Mounted<'_>> {
    std::fs::create_dir(at).unwrap();
    mount_over(at, "size=48m,mode=755")
}

#[test]
fn what_comes_over_has_to_fit_before_anything_is_begun() {
    let place = Place::new();
    let id = place.import(&place.package(&Kit::new("2.0", 2)));
    let at = place.path("disk");
    let Some(_mounted) = mount(&at) else {
        return;
    };
    let root = at.join("system");
    let system = system_in(&root, 8);
    let old = name("old");
    system.create(&old, None, now(), &Silent).unwrap();
    system.activate(&old, Activation::default()).unwrap();
    system.mark_good(&old, now()).unwrap();
    let data = root.join("environments/old/data");
    std::fs::write(&data, vec![1; 28 << 20]).unwrap();
    let opened = place.opened(id);
    let facts = PackageFacts::of(&opened).unwrap();
    let machine = place.machine_on(&system);
    let planned = || {
        let carrying = Carrying::default();
        let inventory = machine.inventory_for(&opened, &carrying, &context());
        plan(&inventory.unwrap(), &facts, &Rules::default())
    };
    assert!(!system.root().shares_blocks().unwrap());
    // Of 48 MiB the old one has 28, and 20 are no room for as many once more.
    let refused = planned().unwrap_err();
    assert_eq!(refused.code(), "E_NO_SPACE");
    let Refusal::NoSpace { needed, .. } = refused else {
        panic!("{refused}");
    };
    assert!(needed > 29 << 20, "{needed}");
    // As soon as there is less, there is room.
    std::fs::write(&data, vec![1; 10 << 20]).unwrap();
    let plan = planned().unwrap();
    assert!(plan.needed > 11 << 20 && plan.needed < 13 << 20);
    assert_eq!(system.storage().names().unwrap(), [old]);
}

/// They may go to a disk of their own, which may be a small one.
#[test]
fn kernels_have_to_fit_where_they_go_before_anything_is_begun() {
    let place = Place::new();
    let text: &'static str = Box::leak("x".repeat(5 << 20).into());
    let kit = Kit::new("1.0", 1).with(RegionKind::Kernel, "generic", text);
    place.installed(&kit);
    let id = place.import(&place.package(&Kit {
        version: "2.0",
        counter: 2,
        ..kit
    }));
    let opened = place.opened(id);
    let facts = PackageFacts::of(&opened).unwrap();
    let machine = place.machine();
    let planned = |keep_old_kernel| {
        let rules = Rules {
            carrying: Carrying {
                keep_old_kernel,
                ..Carrying::default()
            },
            ..Rules::default()
        };
        let inventory = machine.inventory_for(&opened, &rules.carrying, &context());
        plan(&inventory.unwrap(), &facts, &rules)
    };
    let (one, two) = (
        planned(false).unwrap().needed,
        planned(true).unwrap().needed,
    );
    let tree = facts.tree.unwrap().bytes;
    assert!(
        one - tree > 6 << 20,
        "{one}: one kernel, and something to spare"
    );
    if !place.system.root().shares_blocks().unwrap() {
        assert!(two - one > 5 << 20, "{two}: two kernels");
    }
    let kernels = place.path("system/kernels");
    let Some(mounted) = mount_over(&kernels, "size=8m,mode=700") else {
        return;
    };
    assert!(planned(false).unwrap().needed < one - (5 << 20));
    // The same on a disk that has room for one and not for two.
    std::fs::create_dir(kernels.join("v1.0")).unwrap();
    std::fs::write(kernels.join("v1.0/generic"), "small").unwrap();
    planned(true).unwrap();
    std::fs::write(kernels.join("v1.0/generic"), vec![1; 2 << 20]).unwrap();
    let refused = planned(true).unwrap_err();
    assert_eq!(refused.code(), "E_NO_SPACE");
    assert!(
        matches!(refused, Refusal::NoSpaceForKernels { .. }),
        "{refused}"
    );
    planned(false).unwrap();
    drop(mounted);
    planned(true).unwrap();
}

#[test]
fn what_fills_the_disk_half_way_is_removed_and_tried_again_when_there_is_room() {
    let place = Place::new();
    let tree = place.path("tree-2.0/data");
    std::fs::create_dir_all(&tree).unwrap();
    let mut word = 7_u64;
    for number in 0..24 {
        let bytes = std::iter::repeat_with(|| {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            word.to_be_bytes()[0]
        });
        let bytes: Vec<u8> = bytes.take(1 << 20).collect();
        std::fs::write(tree.join(number.to_string()), bytes).unwrap();
    }
    let id = place.import(&place.package(&Kit::new("2.0", 2)));
    let at = place.path("disk");
    let Some(_mounted) = mount(&at) else {
        return;
    };
    let root = at.join("system");
    let system = system_in(&root, 8);
    let mut machine = place.machine_on(&system);
    let facts = machine.facts(id, &context()).unwrap();
    let inventory = machine.inventory(&context()).unwrap();
    let planned = plan(&inventory, &facts, &Rules::default()).unwrap();
    let journals = Journals::new(system.directory("upgrade").unwrap());
    let watch = Fills(at.join("filler"));
    let filling = Run::new(now(), "tester", &watch);
    let mut engine = Engine::begin(&mut machine, &journals, planned, filling).unwrap();
    let failed = engine.run(Action::Upgrade).unwrap_err();
    assert_eq!(failed.code(), "E_NO_SPACE");
    assert!(watch.0.exists());
    drop(engine);
    let begun = root.join("environments/.OneFS-2.0.new");
    assert_eq!(std::fs::read_dir(&begun).unwrap().count(), 0);
    let standing = || Standing::of(&journals.read().unwrap().unwrap()).unwrap();
    assert_eq!(ClusterState::of(Some(&standing())), ClusterState::Error);
    std::fs::remove_file(&watch.0).unwrap();
    let mut engine = Engine::open(&mut machine, &journals, run())
        .unwrap()
        .unwrap();
    engine.resume().unwrap();
    drop(engine);
    assert_eq!(system.select().unwrap().choice.name, name("OneFS-2.0"));
    let data = root.join("environments/OneFS-2.0/data");
    assert_eq!(std::fs::read_dir(data).unwrap().count(), 24);
    // The first of a system has no way back.
    let refused = rollback(&mut machine, &journals, "a test", run());
    assert_eq!(refused.unwrap_err().code(), "E_NO_WAY_BACK");
}

/// What belongs to the machine may be much more than the image.
#[test]
fn what_does_not_fit_beside_the_original_is_not_begun_to_be_copied() {
    let place = Place::new();
    let first = place.import(&place.package(&Kit::new("1.0", 1)));
    let second = place.import(&place.package(&Kit::new("2.0", 2)));
    let at = place.path("disk");
    let Some(_mounted) = mount(&at) else {
        return;
    };
    let root = at.join("system");
    let system = system_in(&root, 8);
    let journals = Journals::new(system.directory("upgrade").unwrap());
    let start = |id| {
        let mut machine = place.machine_on(&system);
        let facts = machine.facts(id, &context()).unwrap();
        let inventory = machine.inventory(&context()).unwrap();
        let planned = plan(&inventory, &facts, &Rules::default()).unwrap();
        let begun = Engine::begin(&mut machine, &journals, planned, run());
        begun.and_then(|mut engine| engine.run(Action::Upgrade))
    };
    start(first).unwrap();
    let old = system.path_of(&system.select().unwrap().choice.name);
    let mut machine = place.machine_on(&system);
    assert!(check(&mut machine, &journals, run()).unwrap().passed());
    commit(&mut machine, &journals, run()).unwrap();
    std::fs::create_dir(old.join("srv")).unwrap();
    for name in ["a", "b"] {
        std::fs::write(old.join("srv").join(name), vec![1; 15 << 20]).unwrap();
    }
    let failed = start(second).unwrap_err();
    assert_eq!(failed.code(), "E_NO_SPACE");
    assert!(failed.to_string().contains("carry"), "{failed}");
    let begun = root.join("environments/.OneFS-2.0.new");
    assert!(begun.join("etc").exists() && !begun.join("srv").exists());
    rollback(&mut machine, &journals, "a test", run()).unwrap();
    assert_eq!(system.select().unwrap().choice.name, name("OneFS-1.0"));
}
