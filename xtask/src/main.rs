//! `cargo xtask`: the one way to run what this repository needs done.

mod bench;
mod checks;
mod demo;
mod results;
mod shell;
mod system;
mod tasks;
mod torture;
mod tree;

use std::process::ExitCode;

use shell::Outcome;

/// A command: its name, what it does, its flags, and the function that does it.
struct Task {
    name: &'static str,
    about: &'static str,
    flags: &'static [(&'static str, &'static str)],
    run: fn(&[String]) -> Outcome<ExitCode>,
}

const TASKS: &[Task] = &[
    Task {
        name: "demo",
        about: "the whole main job on a real tree, visibly",
        flags: &[],
        run: demo::run,
    },
    Task {
        name: "test",
        about: "formatting, clippy with warnings denied, all tests, docs",
        flags: &[],
        run: checks::run,
    },
    Task {
        name: "bench",
        about: "costs beside openssl, cp and tar",
        flags: &[
            ("catalog", "the catalog, instead of the packager"),
            ("install", "upgrades, instead of the packager"),
            (
                "--size SIZE",
                "of the payload, of each large package, of the tree: 1GiB",
            ),
            ("--files N", "in the tree; not for catalog"),
            ("--artifacts N", "in the catalog; only for catalog"),
            ("--runs N", "of each command; the median is told"),
        ],
        run: bench::run,
    },
    Task {
        name: "torture",
        about: "kills, faults, power cuts, damage; hours, if nothing is chosen",
        flags: &[
            ("--short", "some points of each, as in test"),
            ("--only PART", "kill, fault, power or damage"),
            (
                "--command TEXT",
                "the commands that have this in their name",
            ),
            ("--programs DIR", "use these programs, build none"),
            ("--seed N", "what random choices follow from"),
        ],
        run: torture::run,
    },
    Task {
        name: "bless",
        about: "write the test vectors that are not there yet",
        flags: &[],
        run: tasks::bless,
    },
    Task {
        name: "man",
        about: "write manual pages and shell completions",
        flags: &[("DIR", "where to; target/man if none is named")],
        run: tasks::man,
    },
    Task {
        name: "fuzz",
        about: "search for inputs that break a parser",
        flags: &[
            ("TARGET", "one of fuzz/fuzz_targets"),
            ("SECONDS", "how long; 60 if it is not said"),
        ],
        run: tasks::fuzz,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", &[][..]),
    };
    let is_help = |name: &str| matches!(name, "help" | "--help" | "-h");
    if is_help(name) {
        help();
        return ExitCode::SUCCESS;
    }
    if name == bench::measure::TASK {
        return finish(bench::measure::run(rest));
    }
    if name == torture::tracer::TASK {
        return finish(torture::tracer::become_traced(rest));
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("error: there is no task {name:?}");
        help();
        return ExitCode::from(2);
    };
    if rest.iter().any(|argument| is_help(argument)) {
        help_on(task);
        return ExitCode::SUCCESS;
    }
    finish((task.run)(rest))
}

fn finish(outcome: Outcome<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

fn help() {
    println!("Usage: cargo xtask <task>\n");
    for task in TASKS {
        println!("  {:<7} {}", task.name, task.about);
    }
    println!(
        "  {:<7} this text; `cargo xtask <task> --help` lists its flags",
        "help"
    );
}

fn help_on(task: &Task) {
    let flags = if task.flags.is_empty() { "" } else { " [...]" };
    println!("Usage: cargo xtask {}{flags}\n\n{}", task.name, task.about);
    if !task.flags.is_empty() {
        println!();
    }
    for (flag, about) in task.flags {
        println!("  {flag:<15} {about}");
    }
}
