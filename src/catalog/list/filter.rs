use rusqlite::types::Value;

use super::ListRequest;

/// The filters of a request as SQL.
pub(super) struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    pub(super) fn of(request: &ListRequest) -> Self {
        let mut filter = Self {
            conditions: Vec::new(),
            values: Vec::new(),
        };
        if let Some(kind) = request.package_type {
            filter.add("type = ?", [kind.name()]);
        }
        if let Some(pattern) = &request.name {
            filter.add("name GLOB ?", [pattern]);
        }
        for (operator, version) in request.versions.comparators() {
            // Both sides are bytes that compare as versions rank.
            filter.conditions.push(format!("version_key {operator} ?"));
            filter.values.push(Value::Blob(version.sort_key()));
        }
        if let Some(text) = &request.signer {
            let condition = "artifact.id IN (
                SELECT artifact FROM signer JOIN certificate ON certificate.sha256 = certificate
                WHERE instr(lower(subject), lower(?)) OR instr(lower(identity), lower(?)))";
            filter.add(condition, [text, text]);
        }
        if let Some(text) = &request.reference {
            let condition =
                "artifact.id IN (SELECT artifact FROM reference WHERE kind = ? OR holder = ?)";
            filter.add(condition, [text, text]);
        }
        filter
    }

    fn add<T: AsRef<str>>(&mut self, condition: &str, values: impl IntoIterator<Item = T>) {
        self.conditions.push(condition.to_owned());
        let values = values.into_iter();
        self.values
            .extend(values.map(|value| Value::Text(value.as_ref().to_owned())));
    }

    /// Whether it lets everything through.
    pub(super) fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The condition after `WHERE`; true for everything if nothing is asked for.
    pub(super) fn condition(&self) -> String {
        if self.is_empty() {
            return "TRUE".to_owned();
        }
        self.conditions.join(" AND ")
    }

    /// The values of its question marks, in their order.
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }
}
