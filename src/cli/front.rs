use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use super::args::CommonArgs;
use super::context::Context;
use super::error::{CommandError, Kind};
use super::exit::Exit;
use super::log::{self, Log};
use super::output::Talk;

/// A command line tool: its flags, and what it does with them.
pub trait Front: clap::Parser {
    /// The flags that every tool takes.
    #[doc(hidden)]
    fn common(&self) -> &CommonArgs;

    /// Does what the flags ask for.
    fn run(self, context: &mut Context) -> Result<Exit, CommandError>;
}

/// Most columns of the help; a narrower terminal gets less.
const HELP_WIDTH: usize = 100;

/// Runs the tool as this process.
pub fn main<F: Front>() -> ExitCode {
    match Context::of_process() {
        Ok(mut context) => ExitCode::from(work::<F>(std::env::args_os(), &mut context, log::show)),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs the tool with these arguments, the program's name first; gives its exit code.
///
/// The log of the process stays what it is.
pub fn run<F: Front>(arguments: impl IntoIterator<Item = OsString>, context: &mut Context) -> u8 {
    work::<F>(arguments, context, |_, _| ())
}

fn work<F: Front>(
    arguments: impl IntoIterator<Item = OsString>,
    context: &mut Context,
    show: impl FnOnce(Log, Talk),
) -> u8 {
    let ended = match parse::<F>(arguments) {
        Ok(front) => {
            show(front.common().log(), context.out.talk());
            execute(front, context)
        }
        Err(error) => explain(&error, context),
    };
    // What was printed before an error is written out, too. Who stopped reading wants no more of it, but how
    // the work ended stays as it is.
    let finished = match context.out.finish() {
        Err(error) if matches!(error.kind(), Kind::BrokenPipe) => Ok(()),
        finished => finished,
    };
    match ended.and_then(|number| finished.map(|()| number)) {
        Ok(number) => number,
        Err(error) => {
            error.report(&mut context.out);
            error.kind().number()
        }
    }
}

/// The tool's command line as it is parsed, shown in help and written into man pages.
pub(super) fn command<F: Front>() -> clap::Command {
    flowing(F::command())
        .max_term_width(HELP_WIDTH)
        .color(clap::ColorChoice::Never)
}

/// Lets the text after the flags of a command, and of all below it, be wrapped where the terminal ends and
/// not where a line of the source does.
fn flowing(mut command: clap::Command) -> clap::Command {
    if let Some(help) = command.get_after_help() {
        let help = joined(&help.to_string());
        command = command.after_help(help);
    }
    let below = command.get_subcommands();
    let below: Vec<_> = below.map(|one| one.get_name().to_owned()).collect();
    for name in below {
        command = command.mut_subcommand(name, flowing);
    }
    command
}

/// Paragraphs of one line each; what is indented stays on lines of its own.
fn joined(text: &str) -> String {
    let mut joined = String::new();
    let mut before = "";
    for line in text.lines() {
        let flows = |line: &str| !line.is_empty() && !line.starts_with(' ');
        if !joined.is_empty() {
            let within = flows(before) && flows(line);
            joined.push(if within { ' ' } else { '\n' });
        }
        joined.push_str(line);
        before = line;
    }
    joined
}

fn parse<F: Front>(arguments: impl IntoIterator<Item = OsString>) -> clap::error::Result<F> {
    let mut command = command::<F>();
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    F::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

fn execute<F: Front>(front: F, context: &mut Context) -> Result<u8, CommandError> {
    front.common().apply(context);
    if front.common().version {
        let name = command::<F>().get_name().to_owned();
        return print_version(&name, front.common().is_verbose(), context);
    }
    front.run(context).map(Exit::number)
}

/// Prints help where it was asked for, and what is wrong with the command line where it is.
fn explain(error: &clap::Error, context: &mut Context) -> Result<u8, CommandError> {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            context.out.text(&text)?;
            Ok(Exit::Done.number())
        }
        _ => {
            context.out.say_lines(&text);
            Ok(Kind::Usage.number())
        }
    }
}

fn print_version(name: &str, verbose: bool, context: &mut Context) -> Result<u8, CommandError> {
    context
        .out
        .line(&format!("{name} {}", env!("CARGO_PKG_VERSION")))?;
    if verbose {
        let format = crate::isi_file::layout::WRITE_VERSION;
        context
            .out
            .line(&format!("format: .isi version {format}"))?;
        context
            .out
            .line(&format!("openssl: {}", crate::trust::library_version()))?;
    }
    Ok(Exit::Done.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_one_line_and_what_is_indented_is_not() {
        let text = "One\ntwo.\n\nThree.\n\nExamples:\n  isi x\n  isi y";
        let flowing = "One two.\n\nThree.\n\nExamples:\n  isi x\n  isi y";
        assert_eq!(joined(text), flowing);
        assert_eq!(joined(flowing), flowing);
        assert_eq!(joined(""), "");
    }
}
