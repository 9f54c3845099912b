//! Programs of packages that must not run, or do not end.

use std::time::Duration;

use isi_catalog::catalog::{ImportRequest, Source};
use isi_catalog::fsio::{Dir, open_regular};
use isi_catalog::manifest::RegionKind;
use isi_catalog::progress::Silent;
use isi_catalog::system::{HookError, HookFacts, Phase, Report, TimeLimits, run_hooks};
use isi_catalog::trust::{TrustPaths, TrustStore};
use isi_catalog::upgrade::Carrying;

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

/// Runs the hooks of an image in the root of the environment that runs.
fn run(place: &Place, script: &'static str, limit: Duration) -> (Option<HookError>, Vec<Report>) {
    let kit = Kit::new("2.0", 2).with(RegionKind::Hook, "pre-install", script);
    let id = place.import(&place.package(&kit));
    let trust = TrustStore::load(&trust()).unwrap();
    let package = place.catalog().package(&id, &trust, &context()).unwrap();
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
    let ran = run_hooks(&package, phase, &root, &facts, limit, progress, &mut told);
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
    let script = "echo waiting; while :; do :; done";
    // A busy machine may not come to say it in a short time; then it gets more.
    for seconds in [1, 5, 60] {
        let (error, reports) = run(&place, script, Duration::from_secs(seconds));
        assert_eq!(error.unwrap().code(), "E_HOOK_TIME_LIMIT");
        assert!(!reports[0].passed);
        if reports[0].output == "waiting\n" {
            return;
        }
    }
    panic!("what it said is lost");
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
fn a_hook_whose_interpreter_the_image_does_not_have_cannot_run() {
    if !can_change_root() {
        return;
    }
    let place = Place::new();
    place.installed(&Kit::new("1.0", 1));
    let (error, reports) = run(&place, "exit 0", Duration::from_mins(1));
    let error = error.unwrap();
    assert_eq!(error.code(), "E_HOOK_START");
    assert!(error.hint().unwrap().contains("interpreter"));
    assert_eq!(reports, []);
    assert_eq!(place.boot(), name("v1.0"));
}
