-- Answers under way, so that what had come of one is not lost with its process. A row goes when its answer is stored.
CREATE TABLE answer_under_way (
    question INTEGER PRIMARY KEY REFERENCES message (id),
    -- The model that is asked; NULL when the answer comes from SOPs and history.
    model    TEXT,
    -- What has come so far.
    text     TEXT    NOT NULL,
    -- The process that hears it.
    host     TEXT    NOT NULL,
    pid      INTEGER NOT NULL,
    boot_id  TEXT    NOT NULL
) STRICT;
