use std::fs;

use super::super::{Action, Aspect, Class, Comparison, Depth, Extra, FixOptions};
use super::world::{World, found, steps};
use crate::digest::Sha256Digest;
use crate::payload::EntryPath;

fn entry(path: &str) -> EntryPath {
    EntryPath::new(path.as_bytes()).unwrap()
}

const LOCAL: FixOptions = FixOptions {
    local: true,
    remove_extra: false,
};

#[test]
fn configuration_and_state_are_shown_apart_and_left_alone_unless_asked() {
    let world = World::new();
    fs::write(world.path("etc/conf"), b"as wanted here\n").unwrap();
    fs::remove_file(world.path("var/lib/state")).unwrap();
    let report = world.report();
    assert_eq!(
        found(&report),
        [
            ("etc/conf".to_owned(), Class::Local, vec![Aspect::Size]),
            (
                "var/lib/state".to_owned(),
                Class::Local,
                vec![Aspect::Missing]
            ),
        ]
    );
    assert_eq!(report.problems(), 0);
    assert_eq!(steps(&world.fix()), []);
    assert_eq!(
        fs::read(world.path("etc/conf")).unwrap(),
        b"as wanted here\n"
    );
    let plan = world.plan(&report, LOCAL);
    let names = ["etc/conf", "var/lib/state"].map(str::to_owned);
    assert_eq!(steps(&plan), names.map(|name| (Action::WriteFile, name)));
    world.apply(&plan).unwrap();
    assert_eq!(fs::read(world.path("etc/conf")).unwrap(), b"as shipped\n");
    assert_eq!(world.report().findings, []);
}

#[test]
fn the_directories_themselves_are_the_image_s() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    fs::set_permissions(world.path("etc"), fs::Permissions::from_mode(0o777)).unwrap();
    let report = world.report();
    assert_eq!(
        found(&report),
        [("etc".to_owned(), Class::Damaged, vec![Aspect::Mode])]
    );
    world.fix();
}

#[test]
fn what_was_carried_over_is_compared_with_the_record() {
    let mut world = World::new();
    let carried = b"carried over";
    fs::write(world.path("usr/lib/a"), carried).unwrap();
    fs::write(world.path("usr/lib/mine"), carried).unwrap();
    let digest = Some(Sha256Digest::of(carried));
    world.local.carried.insert(entry("usr/lib/a"), digest);
    world.local.carried.insert(entry("usr/lib/mine"), digest);
    let classes = |world: &World| -> Vec<(String, Class)> {
        let found = found(&world.report()).into_iter();
        found.map(|(path, class, _)| (path, class)).collect()
    };
    let both = ["usr/lib/a", "usr/lib/mine"].map(|path| (path.to_owned(), Class::Carried));
    assert_eq!(classes(&world), both);
    assert_eq!(steps(&world.fix()), []);
    // Changed since: still the machine's, but no longer what the record says.
    fs::write(world.path("usr/lib/a"), b"carried OVER").unwrap();
    assert_eq!(classes(&world)[0].1, Class::Local);
    let quick = Comparison {
        depth: Depth::Quick,
        ..world.whole()
    };
    assert_eq!(world.compare(&quick).findings[0].class, Class::Carried);
    // Neither repaired nor removed as extra, whatever else is asked for.
    let options = FixOptions {
        local: false,
        remove_extra: true,
    };
    let everywhere = Comparison {
        extra: Extra::below(&["/".into()]).unwrap(),
        ..world.whole()
    };
    let report = world.compare(&everywhere);
    assert_eq!(steps(&world.plan(&report, options)), []);
    assert_eq!(
        steps(&world.plan(&report, LOCAL)),
        [(Action::WriteFile, "usr/lib/a".to_owned())]
    );
}
