-- The catalog's database, schema version 2 (PRAGMA user_version), application ID 0x49534943 (PRAGMA
-- application_id). Normative together with catalog.md; a test compares it with the schema of a new catalog.
--
-- All times are microseconds since 1970-01-01T00:00:00Z. All digests are SHA-256, 32 bytes.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value ANY  NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    type            TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    version         TEXT    NOT NULL,
    version_key     BLOB    NOT NULL,
    build           TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    product         TEXT    NOT NULL,
    architecture    TEXT    NOT NULL,
    branch          TEXT    NOT NULL,
    release_counter INTEGER NOT NULL CHECK (release_counter >= 0),
    created         INTEGER NOT NULL,
    size            INTEGER NOT NULL CHECK (size > 0),
    readme          INTEGER NOT NULL CHECK (readme IN (0, 1)),
    signed          INTEGER NOT NULL CHECK (signed IN (0, 1)),
    unsigned_reason TEXT    CHECK ((unsigned_reason IS NULL) = (signed = 1)),
    signed_at       INTEGER,
    manifest_sha256 BLOB    NOT NULL CHECK (length(manifest_sha256) = 32),
    footer_sha256   BLOB    NOT NULL CHECK (length(footer_sha256) = 32),
    imported_at     INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    state_code      TEXT,
    checked_at      INTEGER NOT NULL,
    trust_state     BLOB    CHECK (trust_state IS NULL OR length(trust_state) = 32)
) STRICT;

CREATE INDEX artifact_by_name ON artifact (name, version_key);
CREATE INDEX artifact_by_import ON artifact (imported_at);
CREATE INDEX artifact_by_trust ON artifact (trust_state);
CREATE INDEX artifact_without_time ON artifact (checked_at) WHERE signed AND signed_at IS NULL;

CREATE TABLE certificate (
    sha256     BLOB    NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    subject    TEXT    NOT NULL,
    issuer     TEXT    NOT NULL,
    not_before INTEGER,
    not_after  INTEGER,
    der        BLOB
) STRICT;

CREATE TABLE signer (
    artifact    BLOB    NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL CHECK (position >= 1),
    certificate BLOB    NOT NULL REFERENCES certificate (sha256),
    identity    TEXT,
    PRIMARY KEY (artifact, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX signer_by_certificate ON signer (certificate);

CREATE TABLE verdict (
    artifact BLOB NOT NULL PRIMARY KEY REFERENCES artifact (id) ON DELETE CASCADE,
    report   TEXT NOT NULL CHECK (json_valid(report))
) STRICT;

-- No foreign key: a missing committed image is exactly what its reference has to outlive.
CREATE TABLE reference (
    artifact BLOB    NOT NULL CHECK (length(artifact) = 32),
    kind     TEXT    NOT NULL CHECK (kind IN ('committed-image', 'installed-patch', 'running-upgrade', 'pin')),
    holder   TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    PRIMARY KEY (artifact, kind, holder)
) STRICT, WITHOUT ROWID;

-- No foreign key: what was overridden stays on record when the artifact is gone.
CREATE TABLE override (
    number   INTEGER NOT NULL PRIMARY KEY,
    artifact BLOB    NOT NULL CHECK (length(artifact) = 32),
    action   TEXT    NOT NULL,
    code     TEXT    NOT NULL,
    reason   TEXT    NOT NULL CHECK (reason <> ''),
    actor    TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER
) STRICT;

CREATE INDEX override_by_artifact ON override (artifact);

CREATE TABLE event (
    sequence INTEGER NOT NULL PRIMARY KEY CHECK (sequence >= 1),
    time     INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    details  TEXT    NOT NULL CHECK (json_valid(details)),
    previous BLOB    NOT NULL CHECK (length(previous) = 32),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER event_keeps_its_past BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are only appended');
END;

CREATE TRIGGER event_stays BEFORE DELETE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are only appended');
END;
