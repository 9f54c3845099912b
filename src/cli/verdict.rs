//! Verdicts, as a person reads them.

use super::error::CommandError;
use super::output::Printer;
use crate::trust::{Check, Outcome, Signer, TimestampSummary, Verdict};

/// Width of the names in front of the values.
const NAMES: usize = 12;

/// Prints a row for every check, who signed and when, and the conclusion; hints go to the person.
pub(super) fn print(verdict: &Verdict, out: &mut Printer) -> Result<(), CommandError> {
    print_checks(verdict, out)?;
    out.line("== Verdict ==")?;
    field(
        out,
        "Verified",
        if verdict.verified { "True" } else { "False" },
    )?;
    for check in &verdict.checks {
        if let Some(hint) = &check.hint {
            out.complain("hint", hint);
        }
    }
    Ok(())
}

/// Prints a row for every check, who signed and when.
pub(super) fn print_checks(verdict: &Verdict, out: &mut Printer) -> Result<(), CommandError> {
    out.line("== Checks ==")?;
    for check in &verdict.checks {
        print_check(check, out)?;
    }
    for signer in &verdict.signers {
        print_signer(signer, out)?;
    }
    if let Some(timestamp) = &verdict.timestamp {
        print_timestamp(timestamp, out)?;
    }
    Ok(())
}

fn print_check(check: &Check, out: &mut Printer) -> Result<(), CommandError> {
    let mut result = check.outcome.to_string();
    if let Some(code) = &check.code {
        result = format!("{result} {code}");
    }
    let facts = check
        .facts
        .iter()
        .map(|(name, value)| format!("{name} {value}"));
    if check.outcome == Outcome::Passed {
        let facts: Vec<_> = facts.collect();
        let line = format!("{result:<8} {}", facts.join(", "));
        return field(out, check.name.name(), line.trim_end());
    }
    let mut lines: Vec<String> = check.detail.iter().cloned().chain(facts).collect();
    if check.outcome == Outcome::NotChecked && !lines.is_empty() {
        result = format!("{result}: {}", lines.remove(0));
    }
    field(out, check.name.name(), &result)?;
    for line in lines {
        out.line(&format!("{:NAMES$} {line}", ""))?;
    }
    Ok(())
}

fn print_signer(signer: &Signer, out: &mut Printer) -> Result<(), CommandError> {
    out.line("== Signer ==")?;
    field(out, "Subject", &signer.subject)?;
    field(out, "Issuer", &signer.issuer)?;
    field(out, "Identity", signer.identity.as_deref().unwrap_or("-"))?;
    field(out, "Fingerprint", &signer.sha256.to_string())?;
    field(out, "Not Before", &signer.not_before.to_string())?;
    field(out, "Not After", &signer.not_after.to_string())
}

fn print_timestamp(timestamp: &TimestampSummary, out: &mut Printer) -> Result<(), CommandError> {
    out.line("== Timestamp ==")?;
    field(out, "Time", &timestamp.time.to_string())?;
    field(out, "Authority", &timestamp.authority)?;
    field(out, "Issuer", &timestamp.issuer)?;
    field(out, "Fingerprint", &timestamp.sha256.to_string())?;
    field(out, "Serial", &timestamp.serial)?;
    field(out, "Policy", &timestamp.policy)
}

fn field(out: &mut Printer, name: &str, value: &str) -> Result<(), CommandError> {
    out.line(&format!("{:<NAMES$} {value}", format!("{name}:")))
}
