-- Who reads, and who is away: sources of members who are not there are read less, and then not at all.
ALTER TABLE members
    ADD COLUMN read_at timestamptz NOT NULL DEFAULT now(),  -- when they last read or posted, as far as known
    ADD COLUMN markers_at timestamptz,  -- when their home was last asked for it
    ADD COLUMN marked boolean,          -- whether it tells; NULL: nobody asked yet
    DROP CONSTRAINT members_paused_why_check,
    ADD CONSTRAINT members_paused_why_check
        CHECK (paused_why IN ('member', 'operator', 'token', 'home', 'idle'));

-- How many replies a timeline of the home last showed below a status: more of them wake a conversation.
ALTER TABLE deliveries ADD COLUMN replies integer;
