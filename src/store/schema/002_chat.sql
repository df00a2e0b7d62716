-- Conversations with the assistant, what calls of models cost, and what this installation remembers of itself.

CREATE TABLE message (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    -- NULL: the conversation about nothing in particular.
    incident       INTEGER REFERENCES incident (id),
    at             INTEGER NOT NULL,
    -- Person, model or fallback; the second column has the name, or why no model answered.
    author         INTEGER NOT NULL,
    author_detail  TEXT    NOT NULL,
    text           TEXT    NOT NULL,
    state          INTEGER NOT NULL,
    state_reason   TEXT    NOT NULL,
    -- JSON; NULL when no model was paid for it.
    usage          TEXT,
    -- JSON list of the SOPs that the context held.
    sources        TEXT    NOT NULL
) STRICT;
CREATE INDEX message_by_conversation ON message (incident, id);

-- A call is counted with what it may cost at most until its real cost is known: what was reserved by a process that is gone
-- stays spent.
CREATE TABLE model_call (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Whole days since the Unix epoch, in UTC.
    day                INTEGER NOT NULL,
    incident           INTEGER REFERENCES incident (id),
    model              TEXT    NOT NULL,
    destination        TEXT    NOT NULL,
    -- SHA-256 of the bytes sent.
    digest             TEXT    NOT NULL,
    -- JSON: how many values were replaced, by kind.
    replaced           TEXT    NOT NULL,
    state              INTEGER NOT NULL,
    -- In millionths of a US dollar. What counts is `counted`: 0 once released.
    reserved           INTEGER NOT NULL,
    counted            INTEGER NOT NULL,
    usage              TEXT,
    reserved_at        INTEGER NOT NULL,
    -- The process that reserved.
    host               TEXT    NOT NULL,
    pid                INTEGER NOT NULL,
    boot_id            TEXT    NOT NULL
) STRICT;
CREATE INDEX model_call_by_day ON model_call (day, counted);
CREATE INDEX model_call_by_incident ON model_call (incident, counted) WHERE incident IS NOT NULL;
CREATE INDEX model_call_open ON model_call (id) WHERE state = 0;

-- Facts about this installation that are neither configured nor about an incident.
CREATE TABLE setting (
    name  TEXT    PRIMARY KEY,
    value TEXT    NOT NULL,
    at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
