use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use super::context::Context;
use super::error::CommandError;
use super::exit::Exit;
use super::front::{Front, command};
use crate::fsio::{Dir, FsError, OnExisting, OutputFile};

/// Write the manual pages or a shell completion, for those who package this tool
#[derive(clap::Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct GenerateArgs {
    /// Write one manual page for each command into DIR
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,

    /// Print the completion script for SHELL
    #[arg(long, value_name = "SHELL")]
    completion: Option<Shell>,
}

impl GenerateArgs {
    pub(super) fn run<F: Front>(self, context: &mut Context) -> Result<Exit, CommandError> {
        let mut command = command::<F>();
        command.build();
        if let Some(directory) = &self.man {
            drop(Dir::open_or_create(directory, 0o755)?);
            write_pages(&command, command.get_name(), directory)?;
        }
        if let Some(shell) = self.completion {
            let mut script = Vec::new();
            let name = command.get_name().to_owned();
            clap_complete::generate(shell, &mut command, name, &mut script);
            context.out.text(&String::from_utf8_lossy(&script))?;
        }
        Ok(Exit::Done)
    }
}

/// Writes the page of `command` and those below it, as `isi-upgrade-catalog.1`.
fn write_pages(command: &clap::Command, name: &str, directory: &Path) -> Result<(), CommandError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone().display_name(name.to_owned()))
        .render(&mut page)
        .map_err(CommandError::failed)?;
    let path = directory.join(format!("{name}.1"));
    let mut file = OutputFile::create(&path, 0o644, OnExisting::Replace)?;
    file.write_all(&page)
        .map_err(FsError::system("write", &path))?;
    drop(file.commit()?);
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        if below.get_name() != "help" {
            write_pages(below, &format!("{name}-{}", below.get_name()), directory)?;
        }
    }
    Ok(())
}
