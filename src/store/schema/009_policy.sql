-- What the policy said when an action was proposed (JSON), and the first of two people who approved it, by the policy's name.

ALTER TABLE proposal ADD COLUMN ruling TEXT;
ALTER TABLE proposal ADD COLUMN first_approver TEXT;
