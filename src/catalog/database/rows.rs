use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Row, Transaction, params};

use super::damaged;
use crate::catalog::artifact::{Artifact, State};
use crate::digest::{PackageId, Sha256Digest};
use crate::trust::Verdict;

/// The columns that [`artifact_of`] reads, in its order.
pub(in crate::catalog) const ARTIFACT_COLUMNS: &str = "artifact.id, type, name, version, build, \
    description, product, architecture, branch, release_counter, created, size, readme, signed, \
    unsigned_reason, signed_at, manifest_sha256, footer_sha256, imported_at, state, state_code, \
    checked_at";

/// Reads an artifact from a row of [`ARTIFACT_COLUMNS`].
pub(in crate::catalog) fn artifact_of(row: &Row<'_>) -> rusqlite::Result<Artifact> {
    Ok(Artifact {
        id: PackageId::new(digest(row, 0)?),
        package_type: parsed(row, 1)?,
        name: row.get(2)?,
        version: parsed(row, 3)?,
        build: row.get(4)?,
        description: row.get(5)?,
        product: row.get(6)?,
        architecture: row.get(7)?,
        branch: row.get(8)?,
        release_counter: unsigned(row, 9)?,
        created: time(row, 10)?,
        size: unsigned(row, 11)?,
        readme: row.get(12)?,
        signed: row.get(13)?,
        unsigned_reason: row.get(14)?,
        signed_at: optional_time(row, 15)?,
        manifest: digest(row, 16)?,
        footer: digest(row, 17)?,
        imported_at: time(row, 18)?,
        state: state(row, 19)?,
        state_code: row.get(20)?,
        checked_at: time(row, 21)?,
    })
}

/// Inserts an artifact with its signers and verdict.
pub(in crate::catalog) fn insert_artifact(
    transaction: &Transaction<'_>,
    artifact: &Artifact,
    verdict: &Verdict,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO artifact (id, type, name, version, version_key, build, description, product,
                architecture, branch, release_counter, created, size, readme, signed,
                unsigned_reason, signed_at, manifest_sha256, footer_sha256, imported_at, state,
                state_code, checked_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20, ?21, ?22, ?23)",
        )?
        .execute(params![
            blob(&artifact.id.digest()),
            artifact.package_type.name(),
            artifact.name,
            artifact.version.to_string(),
            artifact.version.sort_key(),
            artifact.build,
            artifact.description,
            artifact.product,
            artifact.architecture,
            artifact.branch,
            integer(artifact.release_counter)?,
            artifact.created.as_microsecond(),
            integer(artifact.size)?,
            artifact.readme,
            artifact.signed,
            artifact.unsigned_reason,
            artifact.signed_at.map(Timestamp::as_microsecond),
            blob(&artifact.manifest),
            blob(&artifact.footer),
            artifact.imported_at.as_microsecond(),
            artifact.state.name(),
            artifact.state_code,
            artifact.checked_at.as_microsecond(),
        ])?;
    insert_signers(transaction, &artifact.id, verdict)?;
    let report = serde_json::to_string(verdict)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    transaction
        .prepare_cached("INSERT INTO verdict (artifact, report) VALUES (?1, ?2)")?
        .execute(params![blob(&artifact.id.digest()), report])?;
    Ok(())
}

fn insert_signers(
    transaction: &Transaction<'_>,
    id: &PackageId,
    verdict: &Verdict,
) -> rusqlite::Result<()> {
    for (position, signer) in (1_i64..).zip(&verdict.signers) {
        transaction
            .prepare_cached(
                "INSERT INTO certificate (sha256, subject, issuer, not_before, not_after)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (sha256) DO NOTHING",
            )?
            .execute(params![
                blob(&signer.sha256),
                signer.subject,
                signer.issuer,
                signer.not_before.as_microsecond(),
                signer.not_after.as_microsecond(),
            ])?;
        transaction
            .prepare_cached(
                "INSERT INTO signer (artifact, position, certificate, identity)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                blob(&id.digest()),
                position,
                blob(&signer.sha256),
                signer.identity
            ])?;
    }
    Ok(())
}

/// A digest as the database keeps it.
pub(in crate::catalog) fn blob(digest: &Sha256Digest) -> Value {
    Value::Blob(digest.as_bytes().to_vec())
}

/// Reads a digest.
pub(in crate::catalog) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Sha256Digest> {
    row.get(column).map(Sha256Digest::from_bytes)
}

/// Reads a time, kept in microseconds since 1970.
pub(in crate::catalog) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?)
        .map_err(|error| damaged(column, error.to_string()))
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(column)? {
        Some(_) => time(row, column).map(Some),
        None => Ok(None),
    }
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn integer(value: u64) -> rusqlite::Result<i64> {
    i64::try_from(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A text that nobody keeps.
fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    let value = row.get_ref(column)?;
    (value.as_str()).map_err(|error| damaged(column, error.to_string()))
}

fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = text(row, column)?;
    text.parse()
        .map_err(|error: T::Err| damaged(column, error.to_string()))
}

fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<State> {
    let text = text(row, column)?;
    State::ALL
        .into_iter()
        .find(|state| state.name() == text)
        .ok_or_else(|| damaged(column, format!("unknown state {text:?}")))
}
