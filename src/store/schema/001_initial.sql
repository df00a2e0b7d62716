-- The first schema. Times are milliseconds since the Unix epoch in UTC. Enumerations are small integers; what they mean
-- stands in convert.rs. A released migration is never edited: the next change is a new file.

-- What happened, chained by hashes: the truth that the other tables are projections of.
CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY,
    incident INTEGER,
    version  INTEGER NOT NULL,
    context  TEXT    NOT NULL,
    payload  TEXT    NOT NULL,
    previous TEXT    NOT NULL,
    hash     TEXT    NOT NULL
) STRICT;
CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_append_only_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- Large texts named by their SHA-256; the journal holds the name only.
CREATE TABLE blob (
    hash  TEXT    PRIMARY KEY,
    bytes BLOB    NOT NULL,
    at    INTEGER NOT NULL
) STRICT;

-- One row: goes up with every change that someone may want to see. The change feed compares it.
CREATE TABLE change_counter (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO change_counter (id, value) VALUES (1, 0);

CREATE TABLE incident (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    key           TEXT    NOT NULL,
    title         TEXT    NOT NULL,
    severity      INTEGER NOT NULL,
    severity_raw  TEXT    NOT NULL,
    state         INTEGER NOT NULL,
    owner         TEXT,
    opened_at     INTEGER NOT NULL,
    resolved_at   INTEGER,
    firing        INTEGER NOT NULL,
    reopened      INTEGER NOT NULL,
    -- Lower-case texts that the filter of the queue looks into.
    search        TEXT    NOT NULL,
    search_labels TEXT    NOT NULL
) STRICT;
CREATE INDEX incident_by_key ON incident (key, id);
-- Order of the queue; covers the counts of the header.
CREATE INDEX incident_unresolved ON incident (severity, opened_at, id, state, firing) WHERE state < 2;
CREATE INDEX incident_resolved ON incident (resolved_at DESC, id DESC) WHERE state = 2;

CREATE TABLE alert (
    id            INTEGER PRIMARY KEY,
    source        TEXT    NOT NULL,
    fingerprint   TEXT    NOT NULL,
    starts_at     INTEGER NOT NULL,
    -- NULL: it was over when we first heard of it.
    incident      INTEGER REFERENCES incident (id),
    status        INTEGER NOT NULL,
    ended_by      INTEGER,
    ends_at       INTEGER,
    severity      INTEGER NOT NULL,
    severity_raw  TEXT    NOT NULL,
    labels        TEXT    NOT NULL,
    annotations   TEXT    NOT NULL,
    generator_url TEXT,
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    deliveries    INTEGER NOT NULL,
    UNIQUE (source, fingerprint, starts_at)
) STRICT;
CREATE INDEX alert_by_incident ON alert (incident, status, starts_at DESC, id DESC, severity);
-- Of one alert at most one firing is on: the database itself refuses a second one.
CREATE UNIQUE INDEX alert_firing ON alert (source, fingerprint) WHERE status = 0;

CREATE TABLE timeline (
    id       INTEGER PRIMARY KEY,
    incident INTEGER NOT NULL REFERENCES incident (id),
    at       INTEGER NOT NULL,
    who      TEXT    NOT NULL,
    what     TEXT    NOT NULL
) STRICT;
CREATE INDEX timeline_by_incident ON timeline (incident, id);

CREATE TABLE proposal (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    incident         INTEGER NOT NULL REFERENCES incident (id),
    sop              TEXT    NOT NULL,
    node             TEXT    NOT NULL,
    digest           TEXT    NOT NULL,
    state            INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    asked_by         TEXT    NOT NULL,
    reason           TEXT    NOT NULL,
    spec             TEXT    NOT NULL,
    granted_by       TEXT,
    granted_digest   TEXT,
    granted_at       INTEGER,
    grant_expires_at INTEGER
) STRICT;
CREATE INDEX proposal_by_incident ON proposal (incident, id);
CREATE INDEX proposal_undecided ON proposal (state, created_at, id) WHERE state < 2;

CREATE TABLE attempt (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    -- A grant is spent once: the database itself refuses a second attempt.
    proposal            INTEGER NOT NULL UNIQUE REFERENCES proposal (id),
    incident            INTEGER NOT NULL REFERENCES incident (id),
    step                TEXT    NOT NULL,
    state               INTEGER NOT NULL,
    supervisor          TEXT,
    outcome             TEXT,
    ended_at            INTEGER,
    intent_at           INTEGER NOT NULL,
    directory           TEXT    NOT NULL,
    approved_by         TEXT    NOT NULL,
    cancel_requested_at INTEGER,
    output_bytes        INTEGER,
    output_digest       TEXT
) STRICT;
CREATE INDEX attempt_by_incident ON attempt (incident, id);
CREATE INDEX attempt_unfinished ON attempt (id) WHERE state < 2;

-- Who receives. The time is that since boot, which nobody can set back; another boot means that the holder is gone.
CREATE TABLE lease (
    name             TEXT    PRIMARY KEY,
    fence            INTEGER NOT NULL,
    holder           TEXT,
    host             TEXT    NOT NULL,
    pid              INTEGER NOT NULL,
    boot_id          TEXT    NOT NULL,
    renewed_mono_ms  INTEGER NOT NULL,
    expires_mono_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE source_health (
    source  TEXT    NOT NULL,
    channel TEXT    NOT NULL,
    state   INTEGER NOT NULL,
    detail  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (source, channel)
) STRICT, WITHOUT ROWID;

-- Bodies that could not be read.
CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    source      TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    -- Length as received; the stored body may be cut.
    body_bytes  INTEGER NOT NULL,
    digest      TEXT    NOT NULL,
    body        BLOB    NOT NULL
) STRICT;
