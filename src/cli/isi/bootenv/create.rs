use std::path::PathBuf;

use super::call;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::{CommandError, Context, Exit};
use crate::service::{
    CreateEnvironmentRequest, EnvName, EnvironmentContent, KernelRequest, StorageKind,
};

/// Make a boot environment
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
#[command(group = clap::ArgGroup::new("first").args(["empty", "from_root"]))]
pub(super) struct Args {
    /// Name of the new one: letters, digits, '.', '_' and '-'
    #[arg(value_name = "NAME")]
    name: EnvName,

    /// Copy this one instead of the one that runs
    #[arg(long, value_name = "NAME")]
    from: Option<EnvName>,

    /// Begin with nothing; a directory that is empty or missing becomes a system
    #[arg(long, conflicts_with = "from")]
    empty: bool,

    /// Copy DIR, such as / of a machine that was installed by hand, without what is mounted in it; makes a
    /// system, too
    #[arg(long, value_name = "DIR", conflicts_with_all = ["from", "empty"])]
    from_root: Option<PathBuf>,

    /// Boot it with this kernel, which keeps its name
    #[arg(long, value_name = "FILE", requires = "first")]
    kernel: Option<PathBuf>,

    /// Initial RAM disk of that kernel
    #[arg(long, value_name = "FILE", requires = "kernel")]
    initrd: Option<PathBuf>,

    /// How a new system keeps its environments [default: btrfs where it can, else dir]
    #[arg(long, value_name = "KIND", requires = "first")]
    storage: Option<Storage>,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Storage {
    // Directories, copied with shared blocks where the file system can.
    Dir,
    // Subvolumes, copied as snapshots.
    Btrfs,
}

const HELP: &str = "\
A name that is taken is refused, and what has it stays as it is. The new environment is on trial
and boots only after `activate`.

A machine that was installed by hand comes under this tool with --from-root /: `activate` the copy,
start it, `check` it, and `commit` makes an image of it. What writes should not run meanwhile. Its
kernel is copied as that of an image is, and gets a loader entry, if --kernel names it.

Examples:
  isi upgrade bootenv create before-tuning
  isi upgrade bootenv create spare --from before-tuning
  isi upgrade bootenv create first --from-root /
  isi upgrade bootenv create first --from-root / --kernel /boot/vmlinuz --initrd /boot/initrd.img
  isi upgrade bootenv create first --empty --root /mnt/disk";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = CreateEnvironmentRequest {
            target: self.target.target(),
            name: self.name,
            content: match (self.from, self.from_root) {
                (Some(from), _) => EnvironmentContent::Copy(from),
                (None, Some(root)) => EnvironmentContent::Tree(root),
                (None, None) if self.empty => EnvironmentContent::Empty,
                (None, None) => EnvironmentContent::Running,
            },
            kernel: self.kernel.map(|file| KernelRequest {
                file,
                initrd: self.initrd,
            }),
            storage: self.storage.map(|kind| match kind {
                Storage::Dir => StorageKind::Dir,
                Storage::Btrfs => StorageKind::Btrfs,
            }),
        };
        let name = &request.name;
        let reply = call(context, |service, call| {
            service.create_environment(&request, call)
        })
        .map_err(|error| error.attempting(format!("cannot create boot environment {name}")))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
        } else {
            let path = reply.environment.path.display();
            context.out.note(&format!("created {name} at {path}"));
        }
        Ok(Exit::Done)
    }
}
