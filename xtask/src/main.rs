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

/// A command: its name, what it does, and the function that does it.
struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome<ExitCode>,
}

const TASKS: &[Task] = &[
    Task {
        name: "demo",
        about: "the whole main job on a real tree, visibly",
        run: demo::run,
    },
    Task {
        name: "test",
        about: "formatting, clippy with warnings denied, all tests, docs",
        run: checks::run,
    },
    Task {
        name: "bench",
        about: "costs beside openssl, cp and tar: bench [catalog|install] [--size 1GiB] [--runs N] ...",
        run: bench::run,
    },
    Task {
        name: "torture",
        about: "kills, faults, power cuts, damage: torture [--short] [--only PART] [--seed N]",
        run: torture::run,
    },
    Task {
        name: "bless",
        about: "write the test vectors that are not there yet",
        run: tasks::bless,
    },
    Task {
        name: "man",
        about: "write manual pages and shell completions: man [DIR]",
        run: tasks::man,
    },
    Task {
        name: "fuzz",
        about: "search for inputs that break a parser: fuzz TARGET [SECONDS]",
        run: tasks::fuzz,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", &[][..]),
    };
    if matches!(name, "help" | "--help" | "-h") {
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
    println!("  {:<7} this text", "help");
}
