-- Where there is more to do than time, what is expected to bring most goes first: each look has a
-- place in the line of its host, the time from which it would wait if a reply to be expected were
-- waiting, too. Further questions stand behind the first one of their conversation.
ALTER TABLE conversations
    ADD COLUMN turn timestamptz NOT NULL DEFAULT now(),  -- the place of its next look
    ADD COLUMN lively_at timestamptz;  -- when it was last written in, as far as looks told
ALTER TABLE looks
    ADD COLUMN turn timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN since timestamptz;      -- when it was due before its host's budget put it off; NULL: next_at
CREATE INDEX looks_turn ON looks (host, turn, rank, id) WHERE state = 'due';

-- The same for what homes put off.
ALTER TABLE watches ADD COLUMN since timestamptz;
ALTER TABLE sources ADD COLUMN since timestamptz;

-- How late work was done: so many steps of a kind, in ten minutes, came at most so many seconds after
-- they had been due.
CREATE TABLE delays (
    at    timestamptz NOT NULL,          -- the beginning of the ten minutes
    work  text NOT NULL,
    up_to double precision NOT NULL,     -- seconds
    n     bigint NOT NULL,
    PRIMARY KEY (at, work, up_to)
);

-- By how much the work on a conversation goes before other work of its home: a day where it was
-- written in just now, half of that an hour later, a third after two.
CREATE FUNCTION head_start(present timestamptz, created timestamptz, lively timestamptz)
RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    coalesce(interval '24 h' / (1 + greatest(extract(epoch FROM
        present - greatest(created, lively))::float8, 0) / 3600), interval '0');
