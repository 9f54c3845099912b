//! `cargo xtask bench catalog`: what a large catalog costs.
//!
//! Many small packages and some large ones, in memory where the machine has a file system there: what is
//! measured is our work, not the disk's. The bars are those the project promises.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::measure::{Cost, measured};
use super::table::{Figure, Ratio, Row};
use super::{payload, table, warn_of_others};
use crate::shell::{self, Outcome, cargo, failure};
use crate::{system, torture};

/// The most memory that anything here may take, in MiB.
const MEMORY: u64 = 64;
/// The bar for a list of all artifacts.
const LIST_ALL: Duration = Duration::from_millis(300);
/// The bar for a page, and for one artifact; the start of the process is most of it.
const BY_PREFIX: Duration = Duration::from_millis(15);
/// Large packages.
const LARGE: usize = 20;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Options {
    /// Small packages.
    artifacts: u64,
    /// Bytes of a large one.
    size: u64,
    /// Runs of each command that changes nothing.
    runs: usize,
}

impl Options {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self {
            artifacts: 100_000,
            size: 64 << 20,
            runs: 9,
        };
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            let Some(value) = rest.next() else {
                return failure(format!("{flag} needs a value"));
            };
            match flag.as_str() {
                "--artifacts" => options.artifacts = value.parse()?,
                "--size" => options.size = super::options::size(value)?,
                "--runs" => options.runs = value.parse()?,
                _ => {
                    return failure(format!(
                        "expected --artifacts, --size or --runs, found {flag:?}"
                    ));
                }
            }
        }
        if options.artifacts == 0 || options.size == 0 || options.runs == 0 {
            return failure("nothing to measure: every number has to be at least 1");
        }
        Ok(options)
    }
}

/// Makes both catalogs, measures, and ends with failure if a bar does not hold.
pub fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let options = Options::parse(arguments)?;
    system::ready_to_check()?;
    println!("== building");
    shell::run(&mut cargo([
        "build",
        "--release",
        "--quiet",
        "--bins",
        "--example",
        "many",
    ]))?;
    let scratch = torture::Scratch::new("bench")?;
    warn_of_others();
    let mut bench = Bench {
        directory: scratch.path().to_owned(),
        options,
        missed: 0,
    };
    bench.once("isi_packager dev-pki --dir home")?;
    bench.many()?;
    bench.large()?;
    match bench.missed {
        0 => println!("\nall bars hold"),
        missed => println!("\n{missed} bars missed"),
    }
    Ok(if bench.missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Bench {
    directory: PathBuf,
    options: Options,
    missed: usize,
}

impl Bench {
    /// Many small packages.
    fn many(&mut self) -> Outcome {
        let count = self.options.artifacts;
        println!("== making {count} small packages");
        let packages = self.directory.join("packages");
        fs::create_dir(&packages)?;
        let mut many = shell::command(shell::root().join("target/release/examples/many"));
        many.args(["home", "packages", &count.to_string()]);
        shell::run(many.current_dir(&self.directory))?;
        println!("== measuring");
        let import = self.row(
            "import of all",
            "isi upgrade catalog import --from-dir packages",
            1,
        )?;
        fs::remove_dir_all(&packages)?;
        let id = self.some_id()?;
        let prefix = id.get(..12).unwrap_or(&id);
        let runs = self.options.runs;
        let first = self.row(
            "list, first page",
            "isi upgrade catalog list --limit 25",
            runs,
        )?;
        let all = self.row(
            "list all as JSON",
            "isi upgrade catalog list --format json",
            runs,
        )?;
        let one = self.row(
            "view by prefix",
            &format!("isi upgrade catalog view --id {prefix}"),
            runs,
        )?;
        let depth = "isi upgrade catalog verify --depth metadata --format csv";
        let metadata = self.row("verify metadata of all", depth, 1)?;
        let repair = "isi upgrade catalog repair --force";
        let sound = self.row("repair, nothing wrong", repair, 1)?;
        fs::remove_file(self.directory.join("home/catalog/catalog.db"))?;
        let lost = self.row("repair, database lost", repair, 1)?;
        let rows = [import, first, all, one, metadata, sound, lost];
        println!("\n== catalog of {count} packages\n\n{}", table::rows(&rows));
        for row in [&rows[0], &rows[4], &rows[5], &rows[6]] {
            let number = f64::from(u32::try_from(count)?);
            println!(
                "{:<28} {:>8.0} a second",
                row.name,
                number / row.wall().as_secs_f64()
            );
        }
        self.expect_within(&rows[1], BY_PREFIX);
        self.expect_within(&rows[2], LIST_ALL);
        self.expect_within(&rows[3], BY_PREFIX);
        self.expect_memory(&rows);
        fs::remove_dir_all(self.directory.join("home/catalog"))?;
        Ok(())
    }

    /// Some large packages, verified beside `openssl dgst` on the same files.
    fn large(&mut self) -> Outcome {
        let mebibytes = self.options.size >> 20;
        println!("\n== making {LARGE} packages of {mebibytes} MiB");
        for number in 1..=LARGE {
            payload::write(&self.directory.join("payload"), self.options.size)?;
            self.once(&format!(
                "isi_packager create --payload payload --output large.isi --type generic \
                 --name large-{number} --version 1 --description large --no-sha256 \
                 --key home/keys/signer.key --cert home/keys/signer.pem \
                 --tsa-key home/keys/tsa.key --tsa-cert home/keys/tsa.pem"
            ))?;
            self.once("isi --home home upgrade catalog import large.isi")?;
            fs::remove_file(self.directory.join("large.isi"))?;
        }
        println!("== measuring");
        let mut files = Vec::new();
        torture::walk(&self.directory.join("home/catalog/artifacts"), &mut files)?;
        let mut dgst = shell::command("openssl");
        dgst.args(["dgst", "-sha256"]).args(&files);
        // What the machine gives two cores at once: the floor of anything that hashes on both.
        let half = files.len().div_ceil(2).to_string();
        let mut halves = shell::command("sh");
        halves
            .args([
                "-c",
                r#"printf '%s\0' "$@" | xargs -0 -n "$0" -P 2 openssl dgst -sha256"#,
            ])
            .arg(half)
            .args(&files);
        let subjects = [
            ("verify all", self.command("isi upgrade catalog verify")),
            ("openssl dgst -sha256", dgst),
            ("the same, half on each core", halves),
        ];
        let mut rows = subjects.each_ref().map(|(name, _)| Row::named(name));
        for round in 0..=self.options.runs {
            for ((_, command), row) in subjects.iter().zip(&mut rows) {
                let cost = self.cost(command)?;
                if round > 0 {
                    row.costs.push(cost);
                }
            }
        }
        println!(
            "\n== {LARGE} packages of {mebibytes} MiB\n\n{}",
            table::rows(&rows)
        );
        let [ours, one, halves] = &rows;
        for (figure, floor, bar) in [
            (Figure::Cpu, one, Some(1.0)),
            (Figure::Wall, one, Some(0.55)),
            (Figure::Cpu, halves, None),
            (Figure::Wall, halves, None),
        ] {
            let ratio = Ratio {
                figure,
                row: ours,
                floors: vec![floor],
                bar,
            };
            self.missed += usize::from(!ratio.holds());
            println!("{}", ratio.line());
        }
        self.expect_memory(&rows[..1]);
        Ok(())
    }

    /// Runs a command of the catalog so many times, after once that does not count where it is many.
    fn row(&self, name: &'static str, line: &str, runs: usize) -> Outcome<Row> {
        let mut row = Row::named(name);
        let command = self.command(line);
        let warm = usize::from(runs > 1);
        for round in 0..runs + warm {
            let cost = self.cost(&command)?;
            if round >= warm {
                row.costs.push(cost);
            }
        }
        println!("   {name}");
        Ok(row)
    }

    fn command(&self, line: &str) -> std::process::Command {
        let mut command = shell::typed(&self.directory, line);
        command.args(["--home", "home"]);
        command
    }

    fn cost(&self, command: &std::process::Command) -> Outcome<Cost> {
        measured(command, &self.directory.join("report"))
    }

    fn once(&self, line: &str) -> Outcome {
        self.cost(&shell::typed(&self.directory, line)).map(drop)
    }

    /// The ID of some package in the catalog.
    fn some_id(&self) -> Outcome<String> {
        let shards = fs::read_dir(self.directory.join("home/catalog/artifacts"))?;
        for shard in shards {
            if let Some(id) = fs::read_dir(shard?.path())?.next() {
                return Ok(id?.file_name().to_string_lossy().into_owned());
            }
        }
        failure("the catalog is empty")
    }

    /// A bar for wall time.
    fn expect_within(&mut self, row: &Row, bar: Duration) {
        let holds = row.wall() <= bar;
        self.missed += usize::from(!holds);
        println!("{}", table::wall_line(row, bar, holds));
    }

    /// The bar for memory, of each row.
    fn expect_memory(&mut self, rows: &[Row]) {
        for row in rows {
            let holds = row.memory() <= MEMORY << 20;
            self.missed += usize::from(!holds);
            println!("{}", table::memory_line(row, MEMORY, holds));
        }
    }
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
        assert_eq!((all.artifacts, all.size >> 20, all.runs), (100_000, 64, 9));
        let few = parse(&["--artifacts", "10", "--size", "1MiB", "--runs", "1"])?;
        assert_eq!((few.artifacts, few.size >> 20, few.runs), (10, 1, 1));
        for bad in [
            &["--artifacts"][..],
            &["--artifacts", "0"],
            &["--files", "1"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        Ok(())
    }
}
