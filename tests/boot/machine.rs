//! A machine with a medium and a firmware: it asks `isi upgrade bootenv select` and boots that.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use isi_catalog::progress::Silent;
use isi_catalog::system::{Activation, EnvName, Record, System, TargetId, WhichKernel};
use jiff::Timestamp;

use crate::image::{self, Manner};
use crate::medium::{Kind, Medium};
use crate::uml::{self, Boot, End, Failed, USUAL_KERNEL};
use crate::vendor::vendor;

/// How often a test begins at most.
const BEGINNINGS: usize = 3;

/// Does `work` with a new machine of each kind, as [`on`] does.
pub(crate) fn on_each_kind(work: impl Fn(Machine)) {
    for kind in Kind::ALL {
        on(kind, &work);
    }
}

/// Does `work` with a new machine of this kind; says so where there can be none.
///
/// Where the emulator fails, the work begins anew on another new machine: what is wrong with the work itself
/// is wrong with it then, too.
pub(crate) fn on(kind: Kind, work: impl Fn(Machine)) {
    for beginning in 1..=BEGINNINGS {
        let Some(machine) = Machine::new(kind) else {
            return;
        };
        let Err(stopped) = catch_unwind(AssertUnwindSafe(|| work(machine))) else {
            return;
        };
        match stopped.downcast::<Failed>() {
            Ok(failed) if beginning < BEGINNINGS => {
                eprintln!("begins anew: the emulator failed: {}", failed.0);
            }
            Ok(failed) => panic!("the emulator failed {BEGINNINGS} times, last: {}", failed.0),
            Err(other) => resume_unwind(other),
        }
    }
}

/// A machine that is off.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) medium: Medium,
}

/// One turn of the firmware.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The environment that was chosen.
    pub(crate) name: String,
    /// The boots that it had left then.
    pub(crate) tries_left: Option<u64>,
    /// The file of the kernel that was started, if the environment has one.
    pub(crate) kernel: Option<PathBuf>,
    pub(crate) boot: Boot,
}

impl Turn {
    /// Name and ending, as tests list them.
    pub(crate) fn told(&self) -> (&str, End) {
        (&self.name, self.boot.end)
    }
}

impl Machine {
    /// A new one that trusts the vendor of the tests; `None`, and said, where there can be none.
    fn new(kind: Kind) -> Option<Self> {
        let skip = |reason: &str| {
            eprintln!("skipped: boots from {}: {reason}", kind.name());
        };
        if let Some(reason) = uml::missing() {
            skip(&reason);
            return None;
        }
        match Medium::new(kind) {
            Ok(medium) => {
                let trust = medium.top().join("trust");
                image::run("cp", &["-a", text(&vendor().trust()), text(&trust)]);
                Some(Self { medium })
            }
            Err(reason) => {
                skip(&reason);
                None
            }
        }
    }

    /// A path below the top of its medium.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.medium.top().join(name)
    }

    /// The system that it boots, for changing it while it is off.
    pub(crate) fn system(&self) -> System {
        let root = self.path("system");
        if System::is_at(&root).unwrap() {
            return System::open(&root).unwrap();
        }
        System::bootstrap(&root, None, TargetId::from_bytes([1; 16])).unwrap()
    }

    /// Makes an environment with a system that calls itself `release`.
    pub(crate) fn environment(&self, name: &str, release: &str, manner: Manner) -> EnvName {
        let (system, name) = (self.system(), name.parse().unwrap());
        let root = system.storage().begin(&name, None, &Silent).unwrap();
        image::make(root.path(), release, manner);
        system.storage().finish(&name).unwrap();
        system
            .store_record(&Record::new(name.clone(), Timestamp::now()))
            .unwrap();
        name
    }

    /// Lets an environment boot by default, or once, on trial.
    pub(crate) fn activate(&self, name: &EnvName, tries: u32, next_boot_only: bool) {
        let activation = Activation {
            once: next_boot_only.then_some(WhichKernel::Own),
            tries: Some(tries),
        };
        self.system().activate(name, activation).unwrap();
    }

    /// Lets an environment boot by default, as often as one likes.
    pub(crate) fn good(&self, name: &EnvName) {
        self.activate(name, 1, false);
        self.system().mark_good(name, Timestamp::now()).unwrap();
    }

    /// Runs `isi` on the medium of the machine while that is off.
    pub(crate) fn isi(&self, line: &str) -> Output {
        let mut isi = Command::new(env!("CARGO_BIN_EXE_isi"));
        isi.arg("--home")
            .arg(self.medium.top())
            .args(line.split(' '))
            .env_remove("ISI_HOME")
            .env_remove("ISI_BOOTED")
            .stdin(Stdio::null());
        isi.output().unwrap()
    }

    /// Runs `isi`, which has to succeed, and gives what it printed.
    pub(crate) fn done(&self, line: &str) -> String {
        let output = self.isi(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {}: {said}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `isi` answers in JSON.
    pub(crate) fn json(&self, line: &str) -> serde_json::Value {
        let answer = self.done(&format!("{line} --format json"));
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{line}: {error}: {answer}"))
    }

    /// Turns the machine on once: the firmware asks what to boot, and the machine runs to its end.
    pub(crate) fn turn(&mut self) -> Turn {
        let choice = self.json("upgrade bootenv select");
        let of = |key: &str| choice[key].as_str().unwrap_or_else(|| panic!("{choice}"));
        let (name, root) = (of("name").to_owned(), PathBuf::from(of("path")));
        let options = of("options").split(' ').map(str::to_owned);
        let kernel = choice["kernel"].as_str().map(PathBuf::from);
        // As a firmware does, it is read before the medium belongs to the system.
        let read = kernel.as_ref().map(|kernel| self.read_kernel(kernel));
        let boot = self.medium.lend(|medium| {
            let mut words = medium.boot_words(&root);
            words.extend(options);
            words.push("rw".to_owned());
            let kernel = read.as_deref().unwrap_or(Path::new(USUAL_KERNEL));
            uml::boot_kernel(kernel, medium.beside(), &words)
        });
        eprintln!(
            "{} boots {name}: {:?} after {:.1} s",
            self.medium.kind().name(),
            boot.end,
            boot.time.as_secs_f64()
        );
        Turn {
            name,
            tries_left: choice["tries_left"].as_u64(),
            kernel,
            boot,
        }
    }

    /// Copies a kernel to where it can be run, as a new file: the old one may still be running somewhere.
    ///
    /// Another process writes it. While one has it open for writing, it cannot be run; and what this process
    /// has open, each process that another test is just starting has open for a moment, too.
    fn read_kernel(&self, kernel: &Path) -> PathBuf {
        let copy = self.medium.beside().join("kernel");
        image::run("install", &["-m", "0755", text(kernel), text(&copy)]);
        copy
    }

    /// Turns the machine on until it turns itself off, at most `most` times.
    pub(crate) fn turns(&mut self, most: usize) -> Vec<Turn> {
        let mut turns = Vec::new();
        while turns.len() < most {
            turns.push(self.turn());
            if turns.last().is_some_and(|turn| turn.boot.end == End::Off) {
                break;
            }
        }
        turns
    }

    /// Leaves `script` for the next system that gets as far as having time for it.
    pub(crate) fn to_do(&self, script: &str) {
        fs::write(self.path("todo"), script).unwrap();
    }
}

fn text(path: &Path) -> &str {
    image::text(path)
}
