-- Runs of procedures. The row is the fold of the run's events, so that a screen needs no history.
CREATE TABLE run (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    incident   INTEGER NOT NULL REFERENCES incident (id),
    sop        TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    -- NULL while it is not over.
    ended_at   INTEGER,
    -- The whole run, as JSON.
    run        TEXT    NOT NULL
) STRICT;
-- Of an incident one run is on at a time: the database itself refuses a second one.
CREATE UNIQUE INDEX run_open ON run (incident) WHERE ended_at IS NULL;
CREATE INDEX run_by_incident ON run (incident, id);
CREATE INDEX run_by_sop ON run (sop, id);

-- What happened to each run, in order; the same events stand in the journal, with who and where.
CREATE TABLE run_event (
    run   INTEGER NOT NULL REFERENCES run (id),
    seq   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    who   TEXT    NOT NULL,
    event TEXT    NOT NULL,
    -- The entry of the journal.
    entry INTEGER NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
