-- What each worker says of itself every few seconds.
ALTER TABLE workers
    ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN egress text NOT NULL DEFAULT '',      -- the name of the address that it asks from
    ADD COLUMN lanes integer NOT NULL DEFAULT 0,     -- that it holds
    ADD COLUMN memory bigint NOT NULL DEFAULT 0,     -- bytes; 0: not known
    ADD COLUMN memory_limit bigint NOT NULL DEFAULT 0,
    ADD COLUMN over_limit boolean NOT NULL DEFAULT false;  -- it takes no new lanes
