//! Programs of packages that must not run, or do not end.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use isi_catalog::catalog::{ImportRequest, Source};
use isi_catalog::fsio::{Dir, open_regular};
use isi_catalog::manifest::RegionKind;
use isi_catalog::package::{Package, Verified};
use isi_catalog::progress::Silent;
use isi_catalog::system::{HookError, HookFacts, Phase, Report, TimeLimits, run_hooks};
use isi_catalog::trust::{TrustPaths, TrustStore};
use isi_catalog::upgrade::Carrying;

use crate::mounted::{mount_over, share};
use crate::world::{Kit, Place, can_change_root, context, name, trust};

/// hbsd-update sources the script of an update that nobody signed, if it is told to take that.
#[test]
fn hbsd_a_script_of_an_unsigned_update_is_not_run() {
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let text = std::fs::read_to_string(&trust().identities).unwrap();
    let asks = text.replace("unsigned = \"refuse\"", "unsigned = \"ask\"");
    assert_ne!(asks, text);
    let identities = place.path("identities.toml");
    std::fs::write(&identities, asks).unwrap();
    let lenient = TrustPaths {
        identities,
        ..trust()
    };
    let store = TrustStore::load(&lenient).unwrap();
    for (kind, program) in [
        (RegionKind::Hook, "pre-install"),
        (RegionKind::Hook, "post-install"),
        (RegionKind::HealthCheck, "web"),
    ] {
        let mut kit = Kit::new("2.0", 2).with(kind, program, "echo ran > /mark");
        kit.signed = false;
        let path = place.package(&kit);
        let file = open_regular(&path).unwrap();
        let request = ImportRequest {
            label: &path,
            trust: &store,
            unsigned: Some("we built it ourselves"),
        };
        let mut catalog = place.catalog();
        let import = catalog.import(Source::File(&file), &request, &context());
        let id = import.unwrap().artifact.id;
        let error = place.machine_with(lenient.clone()).facts(id, &context());
        assert_eq!(error.unwrap_err().code(), "E_HOOK_UNSIGNED", "{program}");
        catalog.remove(&[id.into()], &context()).unwrap();
    }
    assert_eq!(place.environments(), ["v1.0"]);
}

/// An image with a hook, in the catalog.
fn hook(place: &Place, script: &'static str) -> Package<Verified> {
    let kit = Kit::new("2.0", 2).with(RegionKind::Hook, "pre-install", script);
    let id = place.import(&place.package(&kit));
    let trust = TrustStore::load(&trust()).unwrap();
    place.catalog().package(&id, &trust, &context()).unwrap()
}

/// Runs the hooks of an image in the root of the environment that runs.
fn run(
    place: &Place,
    package: &Package<Verified>,
    limit: Duration,
) -> (Option<HookError>, Vec<Report>) {
    let root = Dir::open(&place.path("system/environments/v1.0")).unwrap();
    let facts = HookFacts {
        environment: "v2.0",
        package: "",
        version: "2.0",
        old_version: "",
    };
    let mut reports = Vec::new();
    let mut told = |report: &Report| reports.push(report.clone());
    let (phase, progress) = (Phase::PreInstall, &Silent);
    let ran = run_hooks(package, phase, &root, &facts, limit, progress, &mut told);
    (ran.err(), reports)
}

#[test]
fn a_hook_that_hangs_is_ended_and_what_it_said_is_kept() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    // A shell is in the image if it has a program.
    let with_shell = Kit::new("1.0", 1).with(RegionKind::HealthCheck, "shell", "exit 0");
    place.installed(&with_shell);
    let package = hook(&place, "echo waiting; while :; do :; done");
    // A busy machine may not come to say it in a short time; then it gets more.
    for seconds in [1, 5, 60] {
        let (error, reports) = run(&place, &package, Duration::from_secs(seconds));
        assert_eq!(error.unwrap().code(), "E_HOOK_TIME_LIMIT");
        assert!(!reports[0].passed);
        if reports[0].output == "waiting\n" {
            return;
        }
    }
    panic!("what it said is lost");
}

/// A hook may take minutes, and a disk that is taken out meanwhile must not wait for it.
#[test]
fn a_hook_keeps_nothing_busy_that_the_system_unmounts_and_shows_it_nothing() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    let with_shell = Kit::new("1.0", 1).with(RegionKind::HealthCheck, "shell", "exit 0");
    place.installed(&with_shell);
    let root = place.path("system/environments/v1.0");
    let (disk, go) = (root.join("tmp/disk"), root.join("tmp/go"));
    let Some(_shared) = share(&root) else { return };
    std::fs::create_dir(&disk).unwrap();
    let made = Command::new("mkfifo").arg(&go).status().unwrap();
    assert!(made.success());
    let mounted = mount_over(&disk, "size=1m").unwrap();
    std::fs::write(disk.join("inside"), "").unwrap();
    let package = hook(
        &place,
        "[ -e /tmp/disk/inside ] || exit 2; read line </tmp/go; [ ! -e /tmp/disk/inside ]",
    );
    let mounts = || std::fs::read_to_string("/proc/self/mounts").unwrap();
    let (error, reports) = std::thread::scope(|scope| {
        let ran = scope.spawn(|| run(&place, &package, Duration::from_mins(5)));
        // It waits in `read`, or it ended.
        let open = || {
            let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
            rustix::fs::open(&go, flags, rustix::fs::Mode::empty())
        };
        let waits = std::iter::repeat_with(open).find_map(|opened| {
            std::thread::sleep(Duration::from_millis(10));
            opened.map(Some).ok().or(ran.is_finished().then_some(None))
        });
        let seen = mounts();
        drop(mounted);
        drop(waits);
        let proc = root.join("proc");
        assert!(!seen.contains(proc.to_str().unwrap()), "{seen}");
        ran.join().unwrap()
    });
    assert!(error.is_none(), "{error:?} {reports:?}");
    assert!(!mounts().contains(disk.to_str().unwrap()));
}

#[test]
fn a_hook_has_the_time_that_is_configured() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let limits = TimeLimits {
        hook: Duration::from_secs(1),
        ..TimeLimits::default()
    };
    let script = "while :; do :; done";
    let kit = Kit::new("2.0", 2).with(RegionKind::Hook, "post-install", script);
    let machine = place.machine().limits(limits);
    let error = place.start_on(machine, &kit, Carrying::default());
    assert_eq!(error.unwrap_err().code(), "E_HOOK_TIME_LIMIT");
    assert_eq!(place.boot(), name("v1.0"));
}

#[test]
fn an_image_without_proc_is_told_what_its_programs_lack() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    let check = Kit::new("1.0", 1).with(RegionKind::HealthCheck, "web", "exit 0");
    place.installed(&check);
    let proc = place.path("system/environments/v1.0/proc");
    let package = hook(&place, "exit 0");
    // Neither nothing nor anything else will do.
    let makes: [fn(&Path); 3] = [
        |_| (),
        |proc| std::fs::write(proc, "").unwrap(),
        |proc| std::os::unix::fs::symlink("dev", proc).unwrap(),
    ];
    for make in makes {
        drop(std::fs::remove_dir(&proc));
        drop(std::fs::remove_file(&proc));
        make(&proc);
        let (error, reports) = run(&place, &package, Duration::from_mins(1));
        let error = error.unwrap();
        assert_eq!((error.code(), reports), ("E_HOOK_START", Vec::new()));
        let told = std::error::Error::source(&error).unwrap().to_string();
        assert!(told.contains("v1.0 has no directory proc"), "{told}");
        assert!(error.hint().unwrap().contains("directory proc"), "{error}");
        let report = place.check();
        let check = report.checks.last().unwrap();
        assert_eq!(check.code.as_deref(), Some("E_HEALTH_START"));
        assert!(check.detail.contains("has no directory proc"), "{check:?}");
        assert_eq!(check.hint, error.hint());
    }
}

#[test]
fn a_hook_whose_interpreter_the_image_does_not_have_cannot_run() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let package = hook(&place, "exit 0");
    let (error, reports) = run(&place, &package, Duration::from_mins(1));
    let error = error.unwrap();
    assert_eq!(error.code(), "E_HOOK_START");
    assert!(error.hint().unwrap().contains("interpreter"));
    assert_eq!(reports, []);
    assert_eq!(place.boot(), name("v1.0"));
}
