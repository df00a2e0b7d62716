-- Whether all that came of a run has been judged. Runs that were over before this was kept are left alone.
ALTER TABLE run ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;
UPDATE run SET judged = 1 WHERE ended_at IS NOT NULL;
CREATE INDEX run_unjudged ON run (id) WHERE judged = 0;
-- Earlier durations of a step.
CREATE INDEX proposal_by_step ON proposal (sop, node, id);
