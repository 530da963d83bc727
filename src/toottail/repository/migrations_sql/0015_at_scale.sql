-- Runs whose requests are counted are those of members who are not served: found among thousands.
CREATE INDEX members_unserved ON members (id) WHERE NOT served;

-- A visit's transactions share-lock the key of their lane's row. With the epoch as a part of a key,
-- a takeover waits for them, and a renewal does not.
CREATE UNIQUE INDEX lanes_fence ON lanes (key, epoch);

-- What one host named of another, the newest first.
DROP INDEX statuses_listed;
CREATE INDEX statuses_pair ON statuses (listed_by, host, ord) WHERE listed_by <> host;

-- Runs that only show the plan: next to none.
CREATE INDEX runs_dry ON runs (member_id) WHERE dry AND ended_at IS NULL;
