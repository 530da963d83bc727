-- Streams: homes tell what is new in a timeline over a connection that stays open. One row for each
-- member who can have one; whose it is now says `worker`.
CREATE TABLE streams (
    member_id  bigint PRIMARY KEY REFERENCES members ON DELETE CASCADE,
    home       text NOT NULL,
    worker     uuid,                -- who holds it; NULL: nobody, and it can be taken from retry_at on
    claimed_at timestamptz,         -- when it was last taken
    up_since   timestamptz,         -- open without a break since then
    retry_at   timestamptz NOT NULL DEFAULT now(),
    failures   integer NOT NULL DEFAULT 0,  -- in a row
    problem    text,                -- why it was lost last, in words for people
    place      text,                -- the host of the home's streams, as it says; NULL: it has none
    asked_at   timestamptz          -- when the home was asked for that
);
CREATE INDEX streams_free ON streams (retry_at) WHERE worker IS NULL;
CREATE INDEX streams_held ON streams (worker) WHERE worker IS NOT NULL;
CREATE INDEX streams_home ON streams (home, claimed_at);

-- What a stream shows need not be read by time: the next reading is far, until the stream is lost.
ALTER TABLE sources
    ADD COLUMN streamed boolean NOT NULL DEFAULT false,
    ADD COLUMN anew_at timestamptz;  -- a reading that began before then does not do

-- How many streams a worker holds; NULL: it takes none.
ALTER TABLE workers ADD COLUMN streams integer;
