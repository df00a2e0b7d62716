-- What people do with incidents: owners besides acknowledgements, ends by hand, suppression, notes that can be retracted.

ALTER TABLE incident ADD COLUMN acknowledged_by TEXT;
UPDATE incident SET acknowledged_by = owner WHERE state = 1;
ALTER TABLE incident ADD COLUMN resolved_by TEXT;
-- Until when it is suppressed; NULL when it is not, the largest integer until it changes.
ALTER TABLE incident ADD COLUMN suppressed_until INTEGER;
ALTER TABLE incident ADD COLUMN suppressed_by TEXT;

-- As before, and with what says in which queues an incident stands: counting a queue and cutting a window out of it reads
-- the index alone.
DROP INDEX incident_unresolved;
CREATE INDEX incident_unresolved ON incident (severity, opened_at, id, state, firing, owner, suppressed_until)
    WHERE state < 2;
DROP INDEX incident_resolved;
CREATE INDEX incident_resolved ON incident (resolved_at DESC, id DESC, owner, suppressed_until) WHERE state = 2;
-- Few: those whose time may be over, and those that a person resolved while they fire.
CREATE INDEX incident_suppressed ON incident (suppressed_until) WHERE suppressed_until IS NOT NULL;
CREATE INDEX incident_firing_resolved ON incident (id) WHERE state = 2 AND firing > 0;

-- The entry of the journal that a line stands for, and when it was retracted.
ALTER TABLE timeline ADD COLUMN entry INTEGER;
ALTER TABLE timeline ADD COLUMN retracted_at INTEGER;

-- What happened to one incident, newest first, as taking back needs it.
CREATE INDEX journal_by_incident ON journal (incident, seq) WHERE incident IS NOT NULL;

-- People by login name, as far as they did something here or were given something to do.
CREATE TABLE person (
    name    TEXT    PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO person (name, seen_at) SELECT owner, max(opened_at) FROM incident WHERE owner IS NOT NULL GROUP BY owner;
