use super::call;
use crate::cli::args::OutputArgs;
use crate::cli::details::{field, print_package, print_region};
use crate::cli::{CommandError, Context, Exit, Printer, verdict};
use crate::digest::IdPrefix;
use crate::service::{Item, Reference, ViewReply};

/// Show everything that is known of a package in the catalog
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Package in the catalog: its ID or the first digits of it
    #[arg(long, value_name = "ID")]
    id: IdPrefix,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Shows what is on record and what the last verification found; nothing is verified anew. A package
outside the catalog is shown by `isi_packager view`.

Examples:
  isi upgrade catalog view --id 3a145
  isi upgrade catalog view --id 3a145 --format json";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let reply = call(context, |service, call| service.view(&self.id, call))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
        } else {
            print(&reply, &mut context.out)?;
        }
        Ok(Exit::Done)
    }
}

fn print(reply: &ViewReply, out: &mut Printer) -> Result<(), CommandError> {
    print_record(&reply.item, out)?;
    for region in &reply.regions {
        print_region(region, out)?;
    }
    if let Some(package) = &reply.package {
        print_package(package, out)?;
    }
    verdict::print_checks(&reply.verdict, out)?;
    if let Some(problem) = &reply.problem {
        out.complain("warning", &problem.detail);
        out.complain("  code", &problem.code);
        if let Some(hint) = &problem.hint {
            out.complain("hint", hint);
        }
    }
    Ok(())
}

fn print_record(item: &Item, out: &mut Printer) -> Result<(), CommandError> {
    let state = match &item.state_code {
        Some(code) => format!("{} ({code})", item.state),
        None => item.state.to_string(),
    };
    let signers: Vec<_> = (item.signers.iter())
        .map(|signer| signer.identity.as_ref().unwrap_or(&signer.subject).as_str())
        .collect();
    let signed_at = item.signed_at.map(|time| time.to_string());
    out.line("== Catalog Entry ==")?;
    for (label, value) in [
        ("ID", item.id.to_string()),
        ("Size", item.size.to_string()),
        ("State", state),
        ("Checked", item.checked_at.to_string()),
        ("Imported", item.imported_at.to_string()),
        ("Signed By", signers.join(", ")),
        ("Signed At", signed_at.unwrap_or_default()),
        (
            "Unsigned Because",
            item.unsigned_reason.clone().unwrap_or_default(),
        ),
    ] {
        if !value.is_empty() {
            field(out, label, &value)?;
        }
    }
    for Reference {
        kind,
        holder,
        reason,
    } in &item.references
    {
        field(out, "Needed By", &format!("{kind} of {holder}: {reason}"))?;
    }
    Ok(())
}
