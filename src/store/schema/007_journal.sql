-- What an entry is about: action, risk, policy, model, where its words came from. JSON; NULL for nothing, and in every entry
-- of version 1. It is hashed with the rest.
ALTER TABLE journal ADD COLUMN about TEXT;
