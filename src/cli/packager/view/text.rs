//! The report for a person: the blocks of the original in its order and wording, then our own.

use super::report::{FooterView, NOTE, Report};
use super::seal::{SignatureView, TimestampView, plain_time, subject_path};
use crate::cli::details::{field, print_package, print_region};
use crate::cli::{CommandError, Printer};

/// Width of the labels of the footer, which stand to the right.
const FOOTER: usize = 14;
pub(super) fn print(report: &Report, out: &mut Printer) -> Result<(), CommandError> {
    for region in &report.regions {
        print_region(region, out)?;
    }
    print_footer(&report.footer, out)?;
    print_signature(&report.signature, out)?;
    print_timestamp(&report.timestamp, out)?;
    print_package(&report.package, out)?;
    out.line("")?;
    out.line(NOTE)
}

fn print_footer(footer: &FooterView, out: &mut Printer) -> Result<(), CommandError> {
    out.line("== Footer Details ==")?;
    let rows = [
        ("Format Version", footer.format_version.to_string()),
        ("Manifest Size", footer.manifest_size.to_string()),
        ("Signature Size", footer.signature_size.to_string()),
        ("Timestamp Size", footer.timestamp_size.to_string()),
        ("Manifest Hash", footer.manifest_sha256.to_string()),
        ("Signature Hash", footer.signature_sha256.to_string()),
        ("Timestamp Hash", footer.timestamp_sha256.to_string()),
    ];
    for (label, value) in rows {
        out.line(&format!("{label:>FOOTER$}: {value}"))?;
    }
    Ok(())
}

fn print_signature(signature: &SignatureView, out: &mut Printer) -> Result<(), CommandError> {
    if signature.signers.is_empty() {
        out.line("== Signature Details ==")?;
        let problem = signature.problem.as_deref();
        field(
            out,
            "Signature",
            problem.unwrap_or("none: the package is not signed"),
        )?;
    }
    for signer in &signature.signers {
        out.line("== Signature Details ==")?;
        let Some(certificate) = &signer.certificate else {
            field(
                out,
                "Fingerprint",
                "none: the certificate did not come along",
            )?;
            continue;
        };
        let usage = certificate.extended_key_usage.join(", ").to_lowercase();
        field(out, "Fingerprint", &certificate.sha1)?;
        field(out, "Issuer", &certificate.issuer_name)?;
        field(out, "Subject", &subject_path(certificate))?;
        field(
            out,
            "Organization",
            certificate.organization.as_deref().unwrap_or("-"),
        )?;
        field(out, "Expiration", &plain_time(certificate.not_after))?;
        field(out, "Ext Key Usage", &usage)?;
    }
    Ok(())
}

fn print_timestamp(timestamp: &TimestampView, out: &mut Printer) -> Result<(), CommandError> {
    if let Some(problem) = &timestamp.problem {
        out.line("== Timestamp Details ==")?;
        return field(out, "Timestamp", problem);
    }
    let Some(token) = &timestamp.token else {
        return Ok(());
    };
    out.line("== Timestamp Details ==")?;
    field(out, "Time", &plain_time(token.time))?;
    if let Some(authority) = &token.certificate {
        field(out, "Fingerprint", &authority.sha1)?;
        field(out, "Issuer", &authority.issuer_name)?;
        field(out, "Subject", &subject_path(authority))?;
        field(out, "Expiration", &plain_time(authority.not_after))?;
    }
    field(out, "Digest", &token.digest)?;
    field(out, "Policy", &token.policy)?;
    field(out, "Serial", &token.serial)
}
