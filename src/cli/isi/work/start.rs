use super::image::{ImageArgs, name};
use super::{shown, steps};
use crate::cli::args::{OutputArgs, TargetOrBootenvArgs};
use crate::cli::isi::catalog::{call, follow};
use crate::cli::{CommandError, Context, Exit};
use crate::service::{
    DEFAULT_TRIES, EnvName, KernelChoice, MAX_TRIES, Mode, StorageKind, UpgradeRequest,
};

/// Install an image: make a boot environment of it and activate that
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    image: ImageArgs,

    #[command(flatten)]
    mode: ModeArgs,

    /// Only print the plan, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Call the new boot environment NAME, not after the image; as --bootenv, but of any target
    #[arg(long, value_name = "NAME", value_parser = name, conflicts_with = "bootenv")]
    name: Option<EnvName>,

    /// Give the new environment up when it was started N times and did not prove well
    #[arg(long, value_name = "N", default_value_t = DEFAULT_TRIES)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_TRIES)))]
    tries: u32,

    /// Install an image below the floor for REASON, which is kept
    #[arg(long, value_name = "REASON")]
    allow_downgrade: Option<String>,

    /// Let an unsigned image in FILE in for REASON, where the policy allows to ask
    #[arg(long, value_name = "REASON", requires = "install_image_path")]
    allow_unsigned: Option<String>,

    /// How boot environments are kept, where there is no system yet
    #[arg(long, value_name = "KIND", value_parser = storage)]
    storage: Option<StorageKind>,

    #[command(flatten)]
    kernel: KernelArgs,

    #[command(flatten)]
    target: TargetOrBootenvArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// What boots.
#[derive(clap::Args, Clone, Debug)]
struct KernelArgs {
    /// Boot with the kernel NAME of the image [default: that of the old environment, or the first]
    #[arg(long, value_name = "NAME", value_parser = name)]
    kernel: Option<EnvName>,

    /// Install no kernel: what boots the old environment boots the new one, if anything does
    #[arg(long, conflicts_with = "kernel")]
    no_kernel: bool,

    /// Keep the kernel of the old environment beside the new one, as KERNEL.old, with an entry to boot it by
    #[arg(long, conflicts_with = "no_kernel")]
    keep_old_kernel: bool,
}

/// How an upgrade goes over several machines.
#[derive(clap::Args, Clone, Copy, Debug)]
#[group(multiple = false)]
struct ModeArgs {
    /// Upgrade all machines at once; on one machine the three are the same
    #[arg(long)]
    simultaneous: bool,

    /// Upgrade one machine after the other; the usual way
    #[arg(long)]
    rolling: bool,

    /// Upgrade one machine of each neighborhood at a time
    #[arg(long)]
    parallel: bool,
}

const HELP: &str = "\
Nothing that boots is changed before the last step. What is interrupted can be gone on with
(`isi upgrade resume`) or taken back (`isi upgrade rollback`). With --format json each step is a line
of JSON, and so is where it stands at the end. Exit code 3: installed, with configuration that could
not be merged (`isi upgrade resolve`). An empty directory given with --root becomes a system.

Examples:
  isi upgrade start --install-image-path /ifs/install.isi --dry-run
  isi upgrade start --install-image-id 3a145 --simultaneous
  isi upgrade start --install-image-id 3a145 --keep-old-kernel
  isi upgrade start --install-image-id 3a145 --root /mnt/new --format json";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = UpgradeRequest {
            target: self.target.target(),
            image: self.image.open()?,
            mode: self.mode.mode(),
            name: self.name.or_else(|| self.target.bootenv().cloned()),
            tries: self.tries,
            allow_downgrade: self.allow_downgrade,
            allow_unsigned: self.allow_unsigned,
            storage: self.storage,
            kernel: self.kernel.choice(),
            keep_old_kernel: self.kernel.keep_old_kernel,
        };
        let (json, target) = (self.output.is_json(), request.target.clone());
        if self.dry_run {
            return plan(&request, json, context);
        }
        let done = follow(
            context,
            &mut |event, out| steps::tell(event, json, out),
            |service, call| service.upgrade_start(request, call),
        );
        super::ended(done, "cannot upgrade", &target, json, context)
    }
}

fn plan(request: &UpgradeRequest, json: bool, context: &mut Context) -> Result<Exit, CommandError> {
    let reply = call(context, |service, call| service.upgrade_plan(request, call))
        .map_err(|error| error.attempting("cannot upgrade"))?;
    if json {
        context.out.json(&reply)?;
        return Ok(Exit::Done);
    }
    shown::plan(&reply.plan, &mut context.out)?;
    for advice in &reply.plan.advice {
        let text = format!("{} ({})", advice.text, advice.code);
        context.out.warn(&text);
    }
    context.out.note("nothing was changed");
    Ok(Exit::Done)
}

impl KernelArgs {
    fn choice(&self) -> Option<KernelChoice> {
        if self.no_kernel {
            return Some(KernelChoice::None);
        }
        let named = self.kernel.as_ref();
        named.map(|name| KernelChoice::Named(name.as_str().to_owned()))
    }
}

impl ModeArgs {
    fn mode(self) -> Mode {
        match self {
            Self {
                simultaneous: true, ..
            } => Mode::Simultaneous,
            Self { parallel: true, .. } => Mode::Parallel,
            _ => Mode::Rolling,
        }
    }
}

fn storage(text: &str) -> Result<StorageKind, String> {
    let mut kinds = StorageKind::ALL.into_iter();
    kinds.find(|kind| kind.name() == text).ok_or_else(|| {
        let names = StorageKind::ALL.map(StorageKind::name).join(" or ");
        format!("expected {names}")
    })
}
