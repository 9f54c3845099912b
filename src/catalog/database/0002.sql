-- Catalog schema, version 2: every listing asks which verdicts are out of date, and seldom any is.

CREATE INDEX artifact_by_trust ON artifact (trust_state);
CREATE INDEX artifact_without_time ON artifact (checked_at) WHERE signed AND signed_at IS NULL;
