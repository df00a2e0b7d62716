-- What belongs to an answer besides its text.

-- A summary of the model's thinking, shortened; empty where there was none.
ALTER TABLE message ADD COLUMN thoughts TEXT NOT NULL DEFAULT '';
-- JSON: which of its statements name a source; NULL where that was not looked at.
ALTER TABLE message ADD COLUMN source_check TEXT;

-- Notes are words that the search index finds an incident by: it has to be indexed again when one is added or retracted. Only
-- lines that stand for an entry of the journal are what people wrote.
CREATE TRIGGER incident_has_another_note AFTER INSERT ON timeline
WHEN new.entry IS NOT NULL AND substr(new.what, 1, 6) = 'note: '
BEGIN INSERT OR IGNORE INTO incident_unindexed (incident) VALUES (new.incident); END;

CREATE TRIGGER incident_note_is_retracted AFTER UPDATE OF retracted_at ON timeline
WHEN new.entry IS NOT NULL AND substr(new.what, 1, 6) = 'note: '
BEGIN INSERT OR IGNORE INTO incident_unindexed (incident) VALUES (new.incident); END;
