-- The search index: derived data, made anew at any time (see derived.rs). `ascii` cuts at what is neither an ASCII letter or
-- digit nor beyond ASCII: the texts that are stored here are words of domain::search with spaces between them, so that it
-- cuts exactly there. The texts themselves stand in ordinary tables (`content=''`).
CREATE TABLE search_format (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE search_document (
    id       INTEGER PRIMARY KEY,
    sop      TEXT    NOT NULL,
    revision TEXT    NOT NULL,
    title    TEXT    NOT NULL,
    -- When a console last had this document, so that those of other configurations stay and removed ones go.
    seen_at  INTEGER NOT NULL,
    UNIQUE (sop, revision)
) STRICT;

CREATE TABLE search_node (
    id       INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES search_document (id),
    node     TEXT    NOT NULL,
    role     TEXT    NOT NULL,
    kind     INTEGER NOT NULL,
    path     TEXT    NOT NULL,
    text     TEXT    NOT NULL
) STRICT;
CREATE INDEX search_node_by_document ON search_node (document);

CREATE VIRTUAL TABLE search_sop USING fts5 (
    name, title, path, step, text, command, compound,
    content='', contentless_delete=1, tokenize='ascii', prefix='1 2 3'
);

CREATE VIRTUAL TABLE search_incident USING fts5 (
    title, labels, annotations, notes, compound,
    content='', contentless_delete=1, tokenize='ascii', prefix='1 2 3'
);
