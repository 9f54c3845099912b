//! Imports that are killed: whatever is left is sound and in nobody's way.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use isi_catalog::catalog::{Access, Outcome};
use isi_catalog::trust::{TrustPaths, TrustStore};

use crate::world::{Bench, Kit, expect_sound, import, import_as, open, world};

const HOME: &str = "ISI_TEST_TRUST_HOME";
const ROOT: &str = "ISI_TEST_CATALOG";
const PACKAGE: &str = "ISI_TEST_PACKAGE";

/// Not a test of its own: the body of the process that the others kill.
#[test]
fn child_imports_when_asked() {
    let Some(root) = std::env::var_os(ROOT) else {
        return;
    };
    let variable = |name| std::env::var_os(name).unwrap();
    let home = variable(HOME);
    let trust = Path::new(&home).join("trust");
    let paths = TrustPaths {
        directory: None,
        certs: trust.join("certs"),
        tsa_certs: Some(trust.join("tsa-certs")),
        crls: Some(trust.join("crls")),
        identities: trust.join("identities.toml"),
    };
    let trust = TrustStore::load(&paths).unwrap();
    let mut catalog = open(Path::new(&root), Access::Write).unwrap();
    import_as(&mut catalog, Path::new(&variable(PACKAGE)), &trust, None).unwrap();
}

fn child(bench: &Bench, package: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "crash::child_imports_when_asked",
            "--test-threads=1",
        ])
        .env(HOME, world().home())
        .env(ROOT, bench.root())
        .env(PACKAGE, package)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn finish(mut child: Child) -> bool {
    child.wait().unwrap().success()
}

#[test]
fn an_import_killed_at_any_moment_leaves_a_sound_catalog_and_the_next_one_works() {
    const KILLS: u32 = 24;
    let bench = Bench::new();
    bench.imported(Kit::default());
    let kit = |name: &str| Kit {
        payload: vec![3; 2 << 20],
        ..Kit::named(name)
    };
    let start = Instant::now();
    let measured = bench.package(kit("measured"));
    assert!(finish(child(&bench, &measured).spawn().unwrap()));
    let whole = start.elapsed();
    let (mut killed, mut done) = (0, 0);
    for kill in 0..KILLS {
        let package = bench.package(kit(&format!("kill-{kill}")));
        let mut importing = child(&bench, &package).spawn().unwrap();
        std::thread::sleep(whole * kill / KILLS);
        importing.kill().unwrap();
        let acknowledged = importing.wait().unwrap().success();
        expect_sound(&bench.root());
        let again = import(&mut bench.open(), &package).unwrap();
        // What was acknowledged is there; what was not is there or not, but whole.
        if acknowledged {
            assert_eq!(again.outcome, Outcome::AlreadyPresent);
            done += 1;
        } else {
            killed += 1;
        }
        std::fs::remove_file(package).unwrap();
    }
    assert!(killed > 0);
    expect_sound(&bench.root());
    assert_eq!(bench.open().ids().unwrap().len(), 2 + KILLS as usize);
    eprintln!("{KILLS} kills: {killed} before the end, {done} after");
}

/// System calls that change something.
const CHANGING: &str = "mkdirat,openat,openat2,copy_file_range,write,pwrite64,ftruncate,fchmod,\
    fsync,fdatasync,renameat2,unlink,unlinkat,flock";

#[test]
fn an_import_killed_at_every_changing_system_call_leaves_a_sound_catalog() {
    let traceable = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    if !traceable.is_ok_and(|status| status.success()) {
        eprintln!("skipped: strace cannot be used here");
        return;
    }
    let (template, scratch) = (Bench::new(), Bench::new());
    template.imported(Kit::default());
    let package = template.package(Kit::named("other"));
    let renew = || {
        let copy = Command::new("cp")
            .arg("-a")
            .args([template.root(), scratch.root()])
            .status();
        assert!(copy.unwrap().success());
    };
    renew();
    let log = scratch.path("trace");
    let mut whole = traced(
        &child(&scratch, &package),
        &["-f", "-o", log.to_str().unwrap()],
        CHANGING,
    );
    assert!(whole.status().unwrap().success());
    let trace = std::fs::read_to_string(&log).unwrap();
    let (mut points, mut acknowledged) = (0, 0);
    for call in CHANGING.split(',') {
        for when in calls_on(&trace, scratch.root().to_str().unwrap(), call) {
            std::fs::remove_dir_all(scratch.root()).unwrap();
            renew();
            let inject = format!("inject={call}:signal=KILL:when={when}");
            let options = ["-f", "-o", "/dev/null", "-e", &inject];
            let mut killed = traced(&child(&scratch, &package), &options, call);
            let status = killed.stderr(Stdio::null()).status().unwrap();
            expect_sound(&scratch.root());
            let outcome = import(&mut scratch.open(), &package).unwrap().outcome;
            if status.success() {
                assert_eq!(outcome, Outcome::AlreadyPresent, "{call} {when}");
                acknowledged += 1;
            }
            expect_sound(&scratch.root());
            assert_eq!(scratch.open().ids().unwrap().len(), 2);
            points += 1;
        }
    }
    assert!(points >= 60, "only {points} kill points");
    eprintln!("{points} kill points, {acknowledged} of them after the end");
}

fn traced(child: &Command, options: &[&str], calls: &str) -> Command {
    let mut command = Command::new("strace");
    command
        .args(options)
        .args(["-e", &format!("trace={calls}")]);
    command.arg(child.get_program()).args(child.get_args());
    for (name, value) in child.get_envs() {
        command.env(name, value.unwrap());
    }
    command.stdout(Stdio::null());
    command
}

/// The numbers, from 1 on, of the calls of a kind that come after the catalog was first named.
fn calls_on(trace: &str, root: &str, call: &str) -> std::ops::RangeInclusive<usize> {
    let is_call = |line: &&str| line.contains(&format!(" {call}("));
    let named = trace.lines().position(|line| line.contains(root)).unwrap();
    let before = trace.lines().take(named).filter(is_call).count();
    let all = trace.lines().filter(is_call).count();
    before + 1..=all
}

#[test]
fn the_lock_ends_with_its_process() {
    let bench = Bench::new();
    bench.imported(Kit::default());
    // One process, so that there is nobody left to keep the lock.
    let mut holder = Command::new("flock")
        .arg("--no-fork")
        .arg(bench.root().join("lock"))
        .args(["sleep", "600"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lock = std::fs::File::open(bench.root().join("lock")).unwrap();
    let wait_until = |free: bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while lock.try_lock_shared().is_ok() != free {
            lock.unlock().unwrap();
            assert!(Instant::now() < deadline, "free: {free}");
            std::thread::sleep(Duration::from_millis(5));
        }
        lock.unlock().unwrap();
    };
    wait_until(false);
    holder.kill().unwrap();
    holder.wait().unwrap();
    wait_until(true);
    bench.imported(Kit::named("other"));
}
