-- Conversations of members who are served wake by themselves.
ALTER TABLE conversations
    ADD COLUMN wake_at timestamptz,  -- due: see whether it is to be looked at again; NULL: it sleeps
    ADD COLUMN quiet boolean NOT NULL DEFAULT false;  -- this look at it has brought nothing new
CREATE INDEX conversations_wake ON conversations (wake_at) WHERE wake_at IS NOT NULL;

-- How a watch ended before its conversation was looked at again.
ALTER TABLE watches ADD COLUMN ended text CHECK (ended IN ('done', 'failed'));

-- How far the run of a served member was when that was last looked at.
ALTER TABLE runs
    ADD COLUMN moved integer NOT NULL DEFAULT 0,   -- what was done of it in all
    ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN seen_at timestamptz;                -- when that was counted
CREATE INDEX runs_open ON runs (seen_at) WHERE ended_at IS NULL;

-- A lane that is forgotten and made again must not meet its old epochs: a visit may still hold one.
CREATE SEQUENCE lane_beginnings MINVALUE 0 START 0;

-- For those who leave, and for what is too old to be kept.
CREATE INDEX statuses_listed ON statuses (listed_by);
CREATE INDEX watchers_seen ON watchers (seen_at);
CREATE INDEX members_delete ON members (delete_at) WHERE delete_at IS NOT NULL;
