use super::*;
use crate::release::PackageType;
use crate::system::{KernelChoice, Right, RightAt};
use crate::upgrade::testing::{a_plan, dependency, facts, inventory};

type Change = fn(&mut Inventory, &mut PackageFacts, &mut Rules);

/// The refusal after a change; none if it is a plan.
fn refusal(change: Change) -> Option<Refusal> {
    let (mut inventory, mut facts, mut rules) = (inventory(), facts(), Rules::default());
    change(&mut inventory, &mut facts, &mut rules);
    plan(&inventory, &facts, &rules).err()
}

fn right(path: &str) -> RightAt {
    let path = crate::payload::EntryPath::new(path.as_bytes()).unwrap();
    let right = Right::SetUser;
    RightAt { path, right }
}

#[test]
fn each_rule_has_its_own_refusal() {
    let changes: [(&str, Change); 14] = [
        ("E_NOT_IMAGE", |_, p, _| p.package_type = PackageType::Patch),
        ("E_NO_TREE", |_, p, _| p.tree = None),
        ("E_WRONG_ARCHITECTURE", |_, p, _| {
            p.architecture = "riscv64".into();
        }),
        ("E_WRONG_PRODUCT", |_, p, _| p.product = "other".into()),
        ("E_SOURCE_VERSION", |_, p, _| {
            p.source_versions = ">=9.4.1".parse().unwrap();
        }),
        ("E_REQUIRES", |_, p, _| {
            p.requires = vec![dependency("OneFS", ">=9.4"), dependency("OneFS", ">=9.5")];
        }),
        ("E_CONFLICTS", |_, p, _| {
            p.conflicts = vec![dependency("OneFS", "<9.4"), dependency("OneFS", "<=9.4")];
        }),
        ("E_DOWNGRADE", |_, p, _| p.release_counter = 6),
        ("E_RIGHTS", |_, p, _| p.rights = vec![right("home/su")]),
        ("E_KERNEL_MISSING", |_, p, r| {
            p.kernels = vec!["generic".into()];
            r.carrying.kernel = KernelChoice::Named("debug".into());
        }),
        ("E_KERNEL_NOT_KEPT", |_, p, r| {
            p.kernels = vec!["generic".into()];
            r.carrying.keep_old_kernel = true;
        }),
        ("E_ENVIRONMENT_EXISTS", |_, _, r| {
            r.environment = Some("old".parse().unwrap());
        }),
        ("E_NO_SPACE", |i, p, r| {
            i.free_space = needed(i, p, r) - 1;
        }),
        ("E_NO_SPACE", |i, p, _| {
            (p.kernels, p.kernel_bytes) = (vec!["generic".into()], 8192);
            i.free_for_kernels = Some(8191);
        }),
    ];
    assert_eq!(refusal(|_, _, _| {}), None);
    for (code, change) in changes {
        let refused = refusal(change).unwrap_or_else(|| panic!("{code} is let pass"));
        assert_eq!(refused.code(), code);
        assert!(Refusal::CODES.contains(&code));
        let says = refused.to_string();
        assert!(says.len() > 20 && !says.contains('\n'), "{says}");
    }
}

#[test]
fn what_just_meets_a_rule_is_planned() {
    let changes: [Change; 16] = [
        |_, p, _| p.rights = vec![right("usr/bin/su")],
        |_, p, r| {
            p.rights = vec![right("home/su")];
            r.rights.privileged = ["**".parse().unwrap()].into_iter().collect();
        },
        |_, p, r| {
            p.kernels = vec!["generic".into(), "debug".into()];
            r.carrying.kernel = KernelChoice::Named("debug".into());
        },
        |_, p, r| {
            // Those of before stay, or there are none before: nothing more is to be kept.
            r.carrying.keep_old_kernel = true;
            p.kernels = Vec::new();
        },
        |i, p, r| {
            (i.installed, i.default) = (None, None);
            p.kernels = vec!["generic".into()];
            r.carrying.keep_old_kernel = true;
        },
        |i, p, r| {
            i.kernels.booted = Some(4096);
            p.kernels = vec!["generic".into()];
            r.carrying.keep_old_kernel = true;
        },
        |i, p, r| i.free_space = needed(i, p, r),
        |i, p, _| {
            (p.kernels, p.kernel_bytes) = (vec!["generic".into()], 8192);
            i.free_for_kernels = Some(8192);
        },
        |_, p, _| p.release_counter = 7,
        |_, p, r| {
            p.release_counter = 0;
            r.allow_downgrade = Some("ticket 1".into());
        },
        |_, p, _| p.architecture = String::new(),
        |_, p, _| p.architecture = "amd64".into(),
        |_, p, _| p.product = String::new(),
        |_, p, _| p.requires = vec![dependency("OneFS", ">=9.4")],
        |_, p, _| p.conflicts = vec![dependency("OneFS", "<9.4"), dependency("other", "*")],
        |_, p, _| p.source_versions = ">=9.4".parse().unwrap(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_eq!(refusal(change), None, "{number}");
    }
}

#[test]
fn a_package_wants_room_for_its_files_or_what_it_says_whichever_is_more() {
    let mut facts = facts();
    let inventory = inventory();
    let rules = Rules::default();
    let tree = needed(&inventory, &facts, &rules);
    assert_eq!(tree, 2 << 20);
    facts.free_space = 5 << 20;
    assert_eq!(needed(&inventory, &facts, &rules), 6 << 20);
}

#[test]
fn kernels_want_room_as_well_those_that_come_and_those_that_stay() {
    let (mut inventory, mut facts, mut rules) = (inventory(), facts(), Rules::default());
    let without = needed(&inventory, &facts, &rules);
    inventory.kernels.all = 5 << 20;
    inventory.kernels.booted = Some(3 << 20);
    facts.kernel_bytes = 7 << 20;
    let more = |inventory: &Inventory, facts: &PackageFacts, rules: &Rules| {
        (needed(inventory, facts, rules) - without) >> 20
    };
    // Without any in the package, all of before stay.
    assert_eq!(more(&inventory, &facts, &rules), 5);
    facts.kernels = vec!["generic".into()];
    assert_eq!(more(&inventory, &facts, &rules), 7);
    rules.carrying.keep_old_kernel = true;
    assert_eq!(more(&inventory, &facts, &rules), 7 + 3);
    rules.carrying.kernel = KernelChoice::None;
    assert_eq!(more(&inventory, &facts, &rules), 5);
    // On a disk of their own they take none of the environments' room.
    inventory.free_for_kernels = Some(5 << 20);
    assert_eq!(more(&inventory, &facts, &rules), 0);
    plan(&inventory, &facts, &rules).unwrap();
    inventory.free_for_kernels = Some((5 << 20) - 1);
    let refused = plan(&inventory, &facts, &rules).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "5242879 bytes are free where kernels go: those of OneFS need 5242880"
    );
}

#[test]
fn what_comes_over_wants_room_as_well() {
    let (mut inventory, mut facts) = (inventory(), facts());
    inventory.carried = 3 << 20;
    for free_space in [0, 5 << 20] {
        facts.free_space = free_space;
        let image = free_space.max(1 << 20);
        inventory.free_space = image + (4 << 20);
        let planned = plan(&inventory, &facts, &Rules::default()).unwrap();
        assert_eq!(planned.needed, inventory.free_space);
        inventory.carried += 1;
        let refused = plan(&inventory, &facts, &Rules::default()).unwrap_err();
        assert_eq!(refused.code(), "E_NO_SPACE");
        inventory.carried -= 1;
    }
}

#[test]
fn where_nothing_is_installed_any_version_may_come_but_what_is_required_must_be_there() {
    let mut inventory = inventory();
    inventory.installed = None;
    inventory.default = None;
    inventory.floors.clear();
    let mut facts = facts();
    facts.release_counter = 0;
    facts.product = "other".into();
    let planned = plan(&inventory, &facts, &Rules::default()).unwrap();
    assert_eq!((planned.from, planned.previous), (None, None));
    facts.requires = vec![dependency("OneFS", "*")];
    let refused = plan(&inventory, &facts, &Rules::default()).unwrap_err();
    assert!(
        refused.to_string().ends_with("it is not installed"),
        "{refused}"
    );
    inventory.packages = vec![InstalledPackage {
        name: "OneFS".into(),
        version: "1".parse().unwrap(),
    }];
    plan(&inventory, &facts, &Rules::default()).unwrap();
}

#[test]
fn an_assessment_looks_at_every_rule() {
    let (mut inventory, mut facts) = (inventory(), facts());
    inventory.free_space = 0;
    facts.package_type = PackageType::Dsp;
    let found = assess(&inventory, &facts, &Rules::default());
    let failed = found.iter().filter(|finding| !finding.passed);
    let codes: Vec<_> = failed
        .filter_map(|finding| finding.code.as_deref())
        .collect();
    assert_eq!(codes, ["E_NOT_IMAGE", "E_NO_SPACE"]);
    assert_eq!(found.len(), 13);
    assert!(
        found
            .iter()
            .all(|finding| finding.passed == finding.code.is_none())
    );
}

#[test]
fn the_new_environment_is_called_after_the_package_by_a_name_that_is_free() {
    let named = |name: &str, version: &str, taken: &[&str]| {
        let mut facts = facts();
        facts.name = name.into();
        facts.version = version.parse().unwrap();
        let mut inventory = inventory();
        inventory.environments = taken.iter().map(|name| name.parse().unwrap()).collect();
        let planned = plan(&inventory, &facts, &Rules::default()).unwrap();
        planned.environment.to_string()
    };
    assert_eq!(named("OneFS", "9.5", &[]), "OneFS-9.5");
    assert_eq!(named("OneFS", "9.5", &["OneFS-9.5"]), "OneFS-9.5.2");
    let taken = ["OneFS-9.5", "OneFS-9.5.2", "OneFS-9.5.3"];
    assert_eq!(named("OneFS", "9.5", &taken), "OneFS-9.5.4");
    assert_eq!(named("..My OS+/x", "1", &[]), "My_OS__x-1");
    assert_eq!(named("\u{e4}", "1.0-rc.1", &[]), "1.0-rc.1");
    let long = named(&"x".repeat(200), "1", &[&"x".repeat(64)]);
    assert_eq!(long, format!("{}.2", "x".repeat(62)));
}

#[test]
fn a_plan_says_what_is_worth_knowing() {
    let advice = |change: fn(&mut PackageFacts)| {
        let (mut inventory, mut facts) = (inventory(), facts());
        if let Some(installed) = &mut inventory.installed {
            installed.id = Some("cd".repeat(32).parse().unwrap());
        }
        change(&mut facts);
        let planned = plan(&inventory, &facts, &Rules::default()).unwrap();
        let codes = planned.advice.into_iter().map(|advice| advice.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(advice(|_| {}), [""; 0]);
    assert_eq!(advice(|p| p.rollback = false), ["W_NO_ROLLBACK"]);
    assert_eq!(advice(|p| p.version = "9.3".parse().unwrap()), ["W_OLDER"]);
    assert_eq!(
        advice(|p| p.id = "cd".repeat(32).parse().unwrap()),
        ["W_SAME_IMAGE"]
    );
}

#[test]
fn a_plan_is_written_and_read_without_loss() {
    let text = serde_json::to_string(&a_plan()).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), a_plan());
}
