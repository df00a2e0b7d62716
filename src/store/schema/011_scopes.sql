-- Yeses to more than one action of a run. What they are bound to never changes; how often they still count does.
CREATE TABLE scope (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    incident   INTEGER NOT NULL REFERENCES incident (id),
    run        INTEGER NOT NULL REFERENCES run (id),
    expires_at INTEGER NOT NULL,
    -- The database itself refuses one use too many.
    uses_left  INTEGER NOT NULL CHECK (uses_left >= 0),
    -- 0 live, 1 revoked, 2 void.
    state      INTEGER NOT NULL,
    -- Who revoked it, or why it is void.
    reason     TEXT    NOT NULL,
    -- What it is bound to, as JSON.
    terms      TEXT    NOT NULL
) STRICT;
CREATE INDEX scope_live ON scope (incident, id) WHERE state = 0;
