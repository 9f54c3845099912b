//! `cargo xtask bench`: what our commands cost, beside the plain tools that do the same work.
//!
//! Everything runs on the same files in the same run, in rounds A B A B, page cache warm. The bars are
//! those the project promises; whether each holds is printed beside it.

mod catalog;
mod install;
pub mod measure;
mod options;
mod payload;
mod rauc;
mod subjects;
mod table;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::shell::{self, Outcome, cargo};
use crate::{system, tree};
use measure::measured;
use options::Options;
use subjects::{Comparison, IDENTITY, MemoryBar, SEAL, Subject};
use table::{Ratio, Row};

/// Measures everything and prints it; it works under `target/bench` and cleans up behind it.
pub fn run(arguments: &[String]) -> Outcome<ExitCode> {
    if let [what, rest @ ..] = arguments
        && what == "catalog"
    {
        return catalog::run(rest);
    }
    if let [what, rest @ ..] = arguments
        && what == "install"
    {
        return install::run(rest);
    }
    let options = Options::parse(arguments)?;
    system::ready_to_check()?;
    println!("== building");
    shell::run(&mut cargo(["build", "--release", "--quiet", "--bins"]))?;
    let directory = shell::root().join("target/bench");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    warn_of_others();
    let bench = Bench { directory, options };
    let failed = bench.payload()? + bench.tree()?;
    fs::remove_dir_all(&bench.directory)?;
    match failed {
        0 => println!("\nall bars hold"),
        1 => println!("\n1 bar does not hold"),
        _ => println!("\n{failed} bars do not hold"),
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Says so when other programs keep the processors busy: CPU times hold then, wall times do not.
fn warn_of_others() {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = text.split(' ').next().and_then(|load| load.parse().ok());
    if let Some(load) = load.filter(|load: &f64| *load > 1.0) {
        println!("note: the load is {load} before we begin; wall times and their bars mean little");
    }
}

struct Bench {
    directory: PathBuf,
    options: Options,
}

impl Bench {
    /// One large file that does not compress; tells how many bars do not hold.
    fn payload(&self) -> Outcome<usize> {
        let mebibytes = self.options.size >> 20;
        println!("== preparing {mebibytes} MiB of payload");
        payload::write(&self.directory.join("payload"), self.options.size)?;
        self.once("isi_packager dev-pki --dir pki")?;
        self.once(&format!(
            "isi_packager create --payload payload --output package.isi {IDENTITY} {SEAL}"
        ))?;
        self.once("cp package.isi again.isi")?;
        let mut subjects = subjects::payload();
        subjects.extend(rauc::subjects(&self.directory)?);
        println!("== measuring");
        let rows = self.measure(&subjects)?;
        println!("\n== payload of {mebibytes} MiB, {}\n", self.conditions());
        Ok(report(
            &rows,
            subjects::PAYLOAD_RATIOS,
            subjects::PAYLOAD_MEMORY,
        ))
    }

    /// Many real files; tells how many bars do not hold.
    fn tree(&self) -> Outcome<usize> {
        println!("\n== preparing a tree of {} files", self.options.files);
        let tree = tree::gather(&self.directory.join("tree"), self.options.files)?;
        println!("== measuring");
        let rows = self.measure(&subjects::tree())?;
        println!(
            "\n== tree of {} files, {} MiB, {}\n",
            tree.files,
            tree.bytes >> 20,
            self.conditions()
        );
        Ok(report(&rows, subjects::TREE_RATIOS, subjects::TREE_MEMORY))
    }

    /// Runs every subject once a round, after one round that is not counted.
    fn measure(&self, subjects: &[Subject]) -> Outcome<Vec<Row>> {
        let mut rows: Vec<Row> = subjects
            .iter()
            .map(|subject| Row {
                name: subject.name,
                costs: Vec::new(),
            })
            .collect();
        for round in 0..=self.options.runs {
            for (subject, row) in subjects.iter().zip(&mut rows) {
                for name in subject.before {
                    self.clear(name)?;
                }
                shell::run(&mut shell::command("sync"))?;
                let command = shell::typed(&self.directory, &subject.line);
                let cost = measured(&command, &self.directory.join("report"))?;
                if round > 0 {
                    row.costs.push(cost);
                }
            }
        }
        Ok(rows)
    }

    /// Removes `name`; one that ends in a slash is made again as an empty directory.
    fn clear(&self, name: &str) -> Outcome {
        let path = self.directory.join(name.trim_end_matches('/'));
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

    fn once(&self, line: &str) -> Outcome {
        let command = shell::typed(&self.directory, line);
        measured(&command, &self.directory.join("report")).map(drop)
    }

    fn conditions(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runs = self.options.runs;
        format!("{cores} cores, median of {runs} runs, page cache warm")
    }
}

/// Prints rows, comparisons and bars; tells how many bars do not hold.
fn report(rows: &[Row], comparisons: &[Comparison], memory: &[MemoryBar]) -> usize {
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    let mut failed = 0;
    println!("{}", table::rows(rows));
    for (name, figure, floors, bar) in comparisons {
        if let Some(row) = find(name) {
            let floors = floors.iter().filter_map(|floor| find(floor)).collect();
            let (figure, bar) = (*figure, *bar);
            let ratio = Ratio {
                figure,
                row,
                floors,
                bar,
            };
            failed += usize::from(!ratio.holds());
            println!("{}", ratio.line());
        }
    }
    for (name, bar) in memory {
        if let Some(row) = find(name) {
            let holds = row.memory() <= bar << 20;
            failed += usize::from(!holds);
            println!("{}", table::memory_line(row, *bar, holds));
        }
    }
    failed
}
