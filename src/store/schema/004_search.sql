-- Incidents whose words the search index does not know yet. The index itself is derived data and no part of the schema: it
-- is made, and made again when it is missing, damaged or of another format, by search/derived.rs.
CREATE TABLE incident_unindexed (
    incident INTEGER PRIMARY KEY
) STRICT;

CREATE TRIGGER incident_is_new_to_search AFTER INSERT ON incident
BEGIN INSERT OR IGNORE INTO incident_unindexed (incident) VALUES (new.id); END;

CREATE TRIGGER incident_has_other_words AFTER UPDATE OF title, search_labels ON incident
WHEN old.title <> new.title OR old.search_labels <> new.search_labels
BEGIN INSERT OR IGNORE INTO incident_unindexed (incident) VALUES (new.id); END;
