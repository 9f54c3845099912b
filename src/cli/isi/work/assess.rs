use super::image::{ImageArgs, name};
use crate::cli::args::{OutputArgs, TargetOrBootenvArgs};
use crate::cli::isi::catalog::call;
use crate::cli::{CommandError, Context, Exit, Printer};
use crate::service::{AssessReply, DEFAULT_TRIES, EnvName, Mode, UpgradeRequest};

/// Look whether an image could be installed, and change nothing
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    image: ImageArgs,

    /// Call the new boot environment NAME, not after the image; as --bootenv, but of any target
    #[arg(long, value_name = "NAME", value_parser = name, conflicts_with = "bootenv")]
    name: Option<EnvName>,

    /// Let an unsigned image in FILE pass for REASON, where the policy allows to ask
    #[arg(long, value_name = "REASON", requires = "install_image_path")]
    allow_unsigned: Option<String>,

    #[command(flatten)]
    target: TargetOrBootenvArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Every rule is looked at, not only the first that is not met. Ends with 3 if one is not, with 4 if the
package is not trusted. A file is verified and not imported.

Examples:
  isi upgrade assess --install-image-id 3a145
  isi upgrade assess --install-image-path /ifs/install.isi --format json";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = UpgradeRequest {
            target: self.target.target(),
            image: self.image.open()?,
            mode: Mode::default(),
            name: self.name.or_else(|| self.target.bootenv().cloned()),
            tries: DEFAULT_TRIES,
            allow_downgrade: None,
            allow_unsigned: self.allow_unsigned,
            storage: None,
            kernel: None,
            keep_old_kernel: false,
        };
        let reply = call(context, |service, call| {
            service.upgrade_assess(&request, call)
        })
        .map_err(|error| error.attempting("cannot assess the image"))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
        } else {
            print(&reply, &mut context.out)?;
        }
        Ok(if reply.problems == 0 {
            Exit::Done
        } else {
            Exit::ProblemsFound
        })
    }
}

fn print(reply: &AssessReply, out: &mut Printer) -> Result<(), CommandError> {
    for finding in &reply.findings {
        let word = if finding.passed { "pass" } else { "FAIL" };
        out.line(&format!("{word} {}", finding.rule))?;
        if let (Some(code), Some(detail)) = (&finding.code, &finding.detail) {
            out.line(&format!("     {detail} ({code})"))?;
        }
        if let Some(hint) = &finding.hint {
            out.line(&format!("     hint: {hint}"))?;
        }
    }
    for advice in &reply.advice {
        out.warn(&format!("{} ({})", advice.text, advice.code));
    }
    let (name, version) = (&reply.name, &reply.version);
    out.note(&match reply.problems {
        0 => format!("{name} {version} can be installed"),
        1 => format!("{name} {version} cannot be installed: one rule is not met"),
        count => format!("{name} {version} cannot be installed: {count} rules are not met"),
    });
    Ok(())
}
