use super::events::{self, NewEvent};
use super::{Catalog, CatalogError, Context};
use crate::digest::PackageId;
use crate::fsio::LockKind;

impl Catalog {
    /// Enters into the event log what somebody did with an artifact, or without one.
    ///
    /// `kind` is one of the words of `format-spec/catalog.md`; `details` is a JSON object.
    pub fn record(
        &mut self,
        kind: &'static str,
        subject: Option<&PackageId>,
        details: serde_json::Value,
        context: &Context<'_>,
    ) -> Result<(), CatalogError> {
        let subject = subject.map(ToString::to_string).unwrap_or_default();
        let event = NewEvent {
            time: context.now,
            kind,
            subject: &subject,
            actor: context.actor,
            details,
        };
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        self.database.write("enter an event", |transaction| {
            events::append(transaction, &event)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{artifact, catalog, context, id};
    use crate::progress::Silent;

    #[test]
    fn what_is_recorded_is_in_the_log_and_the_log_holds_together() {
        let (_home, mut catalog) = catalog(&[artifact("aa")]);
        let details = serde_json::json!({ "number": 1 });
        for subject in [Some(&id("aa")), None] {
            catalog
                .record("upgrade-start", subject, details.clone(), &context())
                .unwrap();
        }
        let events = catalog.events(None).unwrap();
        let subjects: Vec<_> = events.iter().map(|event| event.subject.as_str()).collect();
        assert_eq!(subjects, [id("aa").to_string().as_str(), ""]);
        assert!(events.iter().all(|event| event.kind == "upgrade-start"));
        assert!(events.iter().all(|event| event.details == details));
        assert_eq!(catalog.verify_events(&Silent).unwrap(), []);
    }
}
