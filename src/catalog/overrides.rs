use rusqlite::params;

use super::database::blob;
use super::events::{self, NewEvent};
use super::{Catalog, CatalogError, Context};
use crate::digest::PackageId;
use crate::fsio::LockKind;

/// Something that is done against a refusal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Override<'a> {
    pub(super) id: PackageId,
    /// What is done.
    pub(super) action: &'a str,
    /// Code of the refusal.
    pub(super) code: &'a str,
    /// Why it is done all the same; not empty.
    pub(super) reason: &'a str,
}

impl Catalog {
    /// Puts an override on record, before it takes effect: one that cannot be recorded is none.
    pub(super) fn record_override(
        &mut self,
        allowed: &Override<'_>,
        context: &Context<'_>,
    ) -> Result<(), CatalogError> {
        let Override {
            id,
            action,
            code,
            reason,
        } = *allowed;
        let subject = id.to_string();
        let event = NewEvent {
            time: context.now,
            kind: "override",
            subject: &subject,
            actor: context.actor,
            details: serde_json::json!({ "action": action, "code": code, "reason": reason }),
        };
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        self.database.write("record the override", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO override (artifact, action, code, reason, actor, since)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    blob(&id.digest()),
                    action,
                    code,
                    reason,
                    context.actor,
                    context.now.as_microsecond(),
                ])?;
            events::append(transaction, &event)
        })
    }
}
