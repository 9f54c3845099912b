//! `cargo xtask bench install`: what an image costs that is unpacked, activated and compared.
//!
//! A real tree of many files as one image, in memory where the machine has a file system there: what is
//! measured is our work, not the disk's. Beside it the tools that put a tree in place: `tar --zstd` on the
//! same package, `cp -a`, and `ostree` and `rauc` when they are installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::measure::{Cost, measured};
use super::subjects::SEAL;
use super::table::{Figure, Ratio, Row};
use super::{table, warn_of_others};
use crate::shell::{self, Outcome, cargo, failure};
use crate::{system, torture, tree};

/// The most memory that anything here may take, in MiB.
const MEMORY: u64 = 128;
/// Wall time of unpacking and activating, beside `tar --zstd -x`.
const INSTALL: f64 = 0.7;
/// CPU time of comparing every byte, beside `openssl dgst`.
const COMPARE: f64 = 1.1;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Options {
    /// Files in the tree.
    files: u64,
    /// Bytes in the tree.
    size: u64,
    /// Runs of each command.
    runs: usize,
}

impl Options {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self {
            files: 20_000,
            size: 1 << 30,
            runs: 3,
        };
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            let Some(value) = rest.next() else {
                return failure(format!("{flag} needs a value"));
            };
            match flag.as_str() {
                "--files" => options.files = value.parse()?,
                "--size" => options.size = super::options::size(value)?,
                "--runs" => options.runs = value.parse()?,
                _ => {
                    return failure(format!(
                        "expected --files, --size or --runs, found {flag:?}"
                    ));
                }
            }
        }
        if options.files == 0 || options.runs == 0 {
            return failure("nothing to measure: --files and --runs have to be at least 1");
        }
        Ok(options)
    }
}

/// Makes an image, measures, and ends with failure if a bar does not hold.
pub fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let options = Options::parse(arguments)?;
    system::ready_to_check()?;
    println!("== building");
    shell::run(&mut cargo(["build", "--release", "--quiet", "--bins"]))?;
    let scratch = torture::Scratch::new("bench")?;
    warn_of_others();
    let bench = Bench {
        directory: scratch.path().to_owned(),
        options,
    };
    let missed = bench.run()?;
    match missed {
        0 => println!("\nall bars hold"),
        missed => println!("\n{missed} bars missed"),
    }
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One thing that is measured.
struct Subject {
    name: &'static str,
    command: Command,
    /// What is gone before it runs; one that ends in a slash is made again as an empty directory.
    before: &'static [&'static str],
}

const TAR: &str = "tar --zstd -x";
const CP: &str = "cp -a";
const OSTREE: &str = "ostree checkout";
const RAUC: &str = "rauc extract";
const UNPACK: &str = "unpack";
const START: &str = "upgrade start";
const DGST: &str = "openssl dgst -sha256";
const FULL: &str = "verify-installed --full";
const QUICK: &str = "verify-installed --quick";

struct Bench {
    directory: PathBuf,
    options: Options,
}

impl Bench {
    fn run(&self) -> Outcome<usize> {
        let tree = self.prepare()?;
        let id = self.image()?;
        let subjects = self.subjects(&id)?;
        println!("== measuring");
        let rows = self.measure(&subjects)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!(
            "\n== image of {} files, {} MiB, {cores} cores, median of {} runs\n\n{}",
            tree.files,
            tree.bytes >> 20,
            self.options.runs,
            table::rows(&rows)
        );
        Ok(report(&rows))
    }

    fn prepare(&self) -> Outcome<tree::Tree> {
        let Options { files, size, .. } = self.options;
        println!("== preparing a tree of {files} files, {} MiB", size >> 20);
        let root = self.directory.join("tree");
        tree::gather_exactly(&root, files)?;
        tree::fill(&root.join("usr/lib/filled"), size)
    }

    /// The image in the catalog, and its ID.
    fn image(&self) -> Outcome<String> {
        println!("== making and importing the image");
        self.once("isi_packager dev-pki --dir pki")?;
        self.once(&format!(
            "isi_packager create --tree tree --output image.isi --type onefs --name bench \
             --version 1.0 --description bench {SEAL}"
        ))?;
        self.once("isi --home pki upgrade catalog import image.isi")?;
        let text = fs::read_to_string(self.directory.join("image.isi.sha256"))?;
        match text.split_whitespace().next() {
            Some(id) => Ok(id.to_owned()),
            None => failure("the file beside the image has no digest"),
        }
    }

    fn subjects(&self, id: &str) -> Outcome<Vec<Subject>> {
        let mut subjects = vec![
            self.subject(TAR, "tar --zstd -xf image.isi -C out", &["out/"]),
            self.subject(CP, "cp -a tree out", &["out"]),
        ];
        subjects.extend(self.ostree()?);
        subjects.extend(self.rauc()?);
        subjects.push(self.subject(
            UNPACK,
            "isi_packager extract --package image.isi --files out --preserve --home pki",
            &["out"],
        ));
        // What it leaves is compared afterwards.
        let start = format!(
            "isi --home pki upgrade start --install-image-id {id} --root system --name bench"
        );
        subjects.push(self.subject(START, &start, &["system/"]));
        subjects.push(Subject {
            name: DGST,
            command: self.dgst()?,
            before: &[],
        });
        let compare = "isi --home pki upgrade verify-installed --root system";
        for (name, depth) in [(FULL, "--full"), (QUICK, "--quick")] {
            subjects.push(self.subject(name, &format!("{compare} {depth}"), &[]));
        }
        Ok(subjects)
    }

    fn subject(&self, name: &'static str, line: &str, before: &'static [&'static str]) -> Subject {
        Subject {
            name,
            command: shell::typed(&self.directory, line),
            before,
        }
    }

    /// `openssl dgst` over all files, as few processes as their number allows.
    fn dgst(&self) -> Outcome<Command> {
        let mut files = Vec::new();
        torture::walk(&self.directory.join("tree"), &mut files)?;
        let list: Vec<_> = files
            .iter()
            .filter(|file| file.is_file() && !file.is_symlink())
            .filter_map(|file| file.to_str())
            .collect();
        fs::write(self.directory.join("files"), list.join("\0"))?;
        Ok(shell::typed(
            &self.directory,
            "xargs -0 -a files openssl dgst -sha256",
        ))
    }

    fn ostree(&self) -> Outcome<Option<Subject>> {
        if !shell::installed("ostree") {
            println!("ostree is not installed: left out");
            return Ok(None);
        }
        self.once("ostree --repo=repo init --mode=bare")?;
        self.once("ostree --repo=repo commit -b bench --no-xattrs tree")?;
        // Copies: links into the repository would be no system that may be changed.
        let line = "ostree --repo=repo checkout --force-copy bench out";
        Ok(Some(self.subject(OSTREE, line, &["out"])))
    }

    fn rauc(&self) -> Outcome<Option<Subject>> {
        if !(shell::installed("rauc") && shell::installed("mksquashfs")) {
            println!("rauc or squashfs-tools is not installed: left out");
            return Ok(None);
        }
        super::rauc::keys(&self.directory)?;
        let content = self.directory.join("rauc");
        fs::create_dir_all(&content)?;
        fs::write(
            content.join("manifest.raucm"),
            "[update]\ncompatible=bench\nversion=1\n\n[image.rootfs]\nfilename=rootfs.tar.zst\n",
        )?;
        self.once("tar --zstd -cf rauc/rootfs.tar.zst -C tree .")?;
        self.once("rauc --cert rauc.pem --key rauc.key bundle rauc bundle.raucb")?;
        let line = "rauc --keyring rauc.pem extract bundle.raucb out";
        Ok(Some(self.subject(RAUC, line, &["out"])))
    }

    fn measure(&self, subjects: &[Subject]) -> Outcome<Vec<Row>> {
        let mut rows: Vec<Row> = subjects.iter().map(|one| Row::named(one.name)).collect();
        for round in 0..=self.options.runs {
            for (subject, row) in subjects.iter().zip(&mut rows) {
                for name in subject.before {
                    clear(&self.directory, name)?;
                }
                let cost = self.cost(&subject.command)?;
                if round > 0 {
                    row.costs.push(cost);
                }
            }
        }
        Ok(rows)
    }

    fn cost(&self, command: &Command) -> Outcome<Cost> {
        measured(command, &self.directory.join("report"))
    }

    fn once(&self, line: &str) -> Outcome {
        self.cost(&shell::typed(&self.directory, line)).map(drop)
    }
}

/// Removes `name`; one that ends in a slash is made again as an empty directory.
fn clear(directory: &Path, name: &str) -> Outcome {
    let path = directory.join(name.trim_end_matches('/'));
    if path.is_dir() {
        fs::remove_dir_all(&path)?;
    } else if path.exists() {
        fs::remove_file(&path)?;
    }
    if name.ends_with('/') {
        fs::create_dir(&path)?;
    }
    Ok(())
}

/// A comparison by name: a row, the figure, what it is compared with, and the bar.
type Comparison = (&'static str, Figure, &'static str, Option<f64>);

const COMPARISONS: &[Comparison] = &[
    (START, Figure::Wall, TAR, Some(INSTALL)),
    (START, Figure::Cpu, TAR, None),
    (START, Figure::Wall, CP, None),
    (START, Figure::Wall, OSTREE, None),
    (START, Figure::Wall, RAUC, None),
    (UNPACK, Figure::Wall, TAR, None),
    (UNPACK, Figure::Cpu, TAR, None),
    (FULL, Figure::Cpu, DGST, Some(COMPARE)),
    (FULL, Figure::Wall, DGST, None),
];

/// Prints comparisons and bars; tells how many bars do not hold.
fn report(rows: &[Row]) -> usize {
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    let mut missed = 0;
    for (name, figure, floor, bar) in COMPARISONS {
        if let (Some(row), Some(floor)) = (find(name), find(floor)) {
            let ratio = Ratio {
                figure: *figure,
                row,
                floors: vec![floor],
                bar: *bar,
            };
            missed += usize::from(!ratio.holds());
            println!("{}", ratio.line());
        }
    }
    for row in [UNPACK, START, FULL, QUICK].into_iter().filter_map(find) {
        let holds = row.memory() <= MEMORY << 20;
        missed += usize::from(!holds);
        println!("{}", table::memory_line(row, MEMORY, holds));
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_can_be_chosen() -> Outcome {
        let parse = |arguments: &[&str]| {
            let owned: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
            Options::parse(&owned)
        };
        let all = parse(&[])?;
        assert_eq!((all.files, all.size >> 30, all.runs), (20_000, 1, 3));
        let few = parse(&["--files", "10", "--size", "1MiB", "--runs", "1"])?;
        assert_eq!((few.files, few.size >> 20, few.runs), (10, 1, 1));
        for bad in [&["--files"][..], &["--files", "0"], &["--artifacts", "1"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        Ok(())
    }
}
