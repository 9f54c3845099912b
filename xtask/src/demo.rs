//! `cargo xtask demo`: the whole main job on a real tree, every command and its output visible.

mod machine;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};

use crate::shell::{self, Outcome, cargo, failure, show_time};
use crate::system;
use crate::tree;

/// A tree of fewer files would prove little.
const FILES: u64 = 1_000;

/// Exit codes of our programs.
const DONE: i32 = 0;
const PROBLEMS: i32 = 3;
const NOT_TRUSTED: i32 = 4;

/// Runs the demonstration; it keeps everything under `target/demo`.
pub fn run(arguments: &[String]) -> Outcome<ExitCode> {
    if let Some(unexpected) = arguments.first() {
        return failure(format!("demo takes no arguments, found {unexpected:?}"));
    }
    system::ready_to_check()?;
    println!("== building");
    shell::run(&mut cargo(["build", "--release", "--bins"]))?;
    let mut demo = Demo::new()?;
    demo.vendor()?;
    demo.operator()?;
    demo.refusals()?;
    demo.machine()?;
    println!(
        "\nThe tree came out as it went in, and the machine came back: {} steps, {}. Everything is in \
         target/demo.",
        demo.steps,
        show_time(demo.time)
    );
    Ok(ExitCode::SUCCESS)
}

struct Demo {
    directory: PathBuf,
    steps: u32,
    time: Duration,
}

impl Demo {
    fn new() -> Outcome<Self> {
        let directory = shell::root().join("target/demo");
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        Ok(Self {
            directory,
            steps: 0,
            time: Duration::ZERO,
        })
    }

    /// A tree becomes a signed, timestamped package.
    fn vendor(&mut self) -> Outcome {
        println!("\n== the vendor");
        let target = self.directory.join("tree");
        let tree = self.step("Take a real directory tree", |_| {
            tree::gather(&target, FILES)
        })?;
        println!(
            "    {} files, {} links, {} directories, {} MiB",
            tree.files,
            tree.links,
            tree.directories,
            tree.bytes >> 20
        );
        self.make_bootable()?;
        fs::write(
            self.directory.join("README.txt"),
            "Example OS 9.5.0.0\n\nUpgrade from 9.4 or later. The nodes restart one by one.\n",
        )?;
        self.show(
            "Make keys and certificates to try with",
            "isi_packager dev-pki --dir home",
        )?;
        self.show(
            "Build a package from the tree",
            "isi_packager create --tree tree --output install.isi --type onefs --name Example_OS \
             --version 9.5.0.0 --description 'Example OS 9.5.0.0' --readme README.txt",
        )?;
        self.show(
            "Sign it",
            "isi_packager sign --package install.isi \
             --key home/keys/signer.key --cert home/keys/signer.pem",
        )?;
        self.show(
            "Timestamp the signature",
            "isi_packager timestamp --package install.isi \
             --tsa-key home/keys/tsa.key --tsa-cert home/keys/tsa.pem",
        )?;
        self.show("Look at it", "isi_packager view --package install.isi")?;
        self.show(
            "Verify it",
            "isi_packager verify --package install.isi --home home",
        )
    }

    /// The package goes through two catalogs, and its files come out.
    fn operator(&mut self) -> Outcome {
        println!("\n== the operator");
        self.show(
            "Import it into the catalog",
            "isi upgrade catalog import install.isi --home home",
        )?;
        let id = self.id("install.isi")?;
        self.show("List the catalog", "isi upgrade catalog list --home home")?;
        self.show(
            "Read its README",
            &format!("isi upgrade catalog readme --id {id} --home home"),
        )?;
        self.show(
            "Verify what the catalog holds",
            "isi upgrade catalog verify --home home",
        )?;
        self.show(
            "Export it",
            &format!("isi upgrade catalog export --id {id} --file exported.isi --home home"),
        )?;
        self.show("It is the same file", "cmp install.isi exported.isi")?;
        fs::create_dir(self.directory.join("second"))?;
        self.show(
            "Give a second machine the same trust",
            "cp -a home/trust second/trust",
        )?;
        self.show(
            "Import the export there",
            "isi upgrade catalog import exported.isi --home second",
        )?;
        self.show(
            "Unpack it",
            "isi_packager extract --package exported.isi --files unpacked --home second",
        )?;
        self.show(
            "Compare the files",
            "diff -r --no-dereference tree unpacked",
        )?;
        self.step("Compare types, modes, sizes, times and links", |demo| {
            let (before, after) = (demo.listing("tree")?, demo.listing("unpacked")?);
            match before.lines().zip(after.lines()).find(|(a, b)| a != b) {
                Some((a, b)) => failure(format!("the trees differ:\n  {a}\n  {b}")),
                None if before.len() != after.len() => failure("the trees differ in length"),
                None => Ok(()),
            }
        })
    }

    /// What must not get in does not get in.
    fn refusals(&mut self) -> Outcome {
        println!("\n== what is refused");
        let mut bytes = fs::read(self.directory.join("install.isi"))?;
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        fs::write(self.directory.join("damaged.isi"), bytes)?;
        self.show_exit(
            &format!("One flipped bit, in byte {middle}"),
            "isi upgrade catalog import damaged.isi --home home",
            NOT_TRUSTED,
        )?;
        fs::copy(
            self.directory.join("install.isi"),
            self.directory.join("sibling.isi"),
        )?;
        self.show(
            "Another issuer signs, under the very same name",
            "isi_packager sign --package sibling.isi \
             --key home/keys/sibling.key --cert home/keys/sibling.pem",
        )?;
        self.show(
            "... and timestamps",
            "isi_packager timestamp --package sibling.isi \
             --tsa-key home/keys/tsa.key --tsa-cert home/keys/tsa.pem",
        )?;
        self.show_exit(
            "The catalog tells them apart",
            "isi upgrade catalog import sibling.isi --home home",
            NOT_TRUSTED,
        )?;
        self.show(
            "Nothing of it got in",
            "isi upgrade catalog list --home home",
        )
    }

    /// Does `work` as one numbered step and prints its time.
    fn step<T>(&mut self, title: &str, work: impl FnOnce(&Self) -> Outcome<T>) -> Outcome<T> {
        self.steps += 1;
        print!("\n{:>2}  {title:<58}", self.steps);
        std::io::stdout().flush()?;
        let start = Instant::now();
        let result = work(self);
        let time = start.elapsed();
        self.time += time;
        println!("{:>10}", show_time(time));
        result
    }

    /// A step that is one command, which has to succeed.
    fn show(&mut self, title: &str, line: &str) -> Outcome {
        self.show_exit(title, line, DONE)
    }

    /// A step that is one command, which has to end with `code`.
    fn show_exit(&mut self, title: &str, line: &str, code: i32) -> Outcome {
        let output = self.step(title, |demo| Ok(demo.command(line).output()?))?;
        println!("    $ {line}");
        for stream in [&output.stdout, &output.stderr] {
            for line in String::from_utf8_lossy(stream).lines() {
                println!("    {line}");
            }
        }
        expect(&output, code)?;
        if code != DONE {
            println!("    exit code {code}");
        }
        Ok(())
    }

    fn command(&self, line: &str) -> Command {
        shell::typed(&self.directory, line)
    }

    /// The ID that the catalog gives `file`: its SHA-256.
    fn id(&self, file: &str) -> Outcome<String> {
        let output = self.command(&format!("sha256sum {file}")).output()?;
        let text = String::from_utf8(output.stdout)?;
        match text.get(..12) {
            Some(id) => Ok(id.to_owned()),
            None => failure("sha256sum printed no digest"),
        }
    }

    /// Every name below `tree` with its type, mode, size, time and link text.
    fn listing(&self, tree: &str) -> Outcome<String> {
        let mut find = shell::command("find");
        find.args([
            tree,
            "-mindepth",
            "1",
            "-type",
            "d",
            "-printf",
            "%P %y %m\n",
        ])
        .args([
            "-o",
            "-mindepth",
            "1",
            "-type",
            "l",
            "-printf",
            "%P %y %l\n",
        ])
        .args(["-o", "-mindepth", "1", "-printf", "%P %y %m %s %Ts\n"])
        .current_dir(&self.directory);
        let output = find.output()?;
        let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect();
        if !output.status.success() || lines.is_empty() {
            return failure(format!("cannot list {}", Path::new(tree).display()));
        }
        lines.sort();
        Ok(lines.join("\n"))
    }
}

/// Refuses a command that ended with another code.
fn expect(output: &Output, code: i32) -> Outcome {
    if output.status.code() == Some(code) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let found = output.status;
    failure(format!("expected exit code {code}, found {found}: {said}"))
}
