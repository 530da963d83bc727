-- Sources: where a member's conversations, and the profiles to complete, come from.
CREATE TABLE sources (
    member_id  bigint NOT NULL REFERENCES members ON DELETE CASCADE,
    kind       text NOT NULL,
    name       text NOT NULL DEFAULT '',  -- what follows the colon: a list, a hashtag, an account
    home       text NOT NULL,
    enabled    boolean NOT NULL DEFAULT true,
    entries    integer NOT NULL,    -- how many of the newest are read
    ref        text,                -- the home's own id of what it names
    collect_at timestamptz,         -- due: read it
    newest_id  text,                -- the newest entry that was read with no gap below it
    depth      integer NOT NULL DEFAULT 0,  -- how many entries were read without a gap
    tries      integer NOT NULL DEFAULT 0,
    read_at    timestamptz,
    told       text,                -- why it is not read, in words for people
    off_until  timestamptz,         -- not asked for before then
    PRIMARY KEY (member_id, kind, name)
);
INSERT INTO sources (member_id, kind, home, entries, collect_at, newest_id, depth)
SELECT id, 'home', home, 200, collect_at, newest_id, depth FROM members;
CREATE INDEX sources_due ON sources (home, collect_at) WHERE collect_at IS NOT NULL;

ALTER TABLE members
    DROP COLUMN collect_at, DROP COLUMN newest_id, DROP COLUMN depth,
    ADD COLUMN named text,          -- the account, as its owner named it
    ADD COLUMN account_id text,     -- the home's own id of it
    ADD COLUMN scopes text,         -- of the token; NULL: not told
    ADD COLUMN profile_posts integer NOT NULL DEFAULT 20,
    ADD COLUMN profile_again interval NOT NULL DEFAULT '7 days',
    ADD COLUMN with_conversations boolean NOT NULL DEFAULT false,
    ADD COLUMN tag_servers text[] NOT NULL DEFAULT '{}';

-- What a run reads: it has collected when it is through with each of these.
CREATE TABLE run_sources (
    run_id    uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    kind      text NOT NULL,
    name      text NOT NULL DEFAULT '',
    wanted    integer NOT NULL,
    collected boolean NOT NULL DEFAULT false,
    read      integer NOT NULL DEFAULT 0,  -- entries
    told      text,
    PRIMARY KEY (run_id, kind, name)
);
INSERT INTO run_sources (run_id, kind, wanted, collected, read)
SELECT id, 'home', wanted, collected, statuses_read FROM runs;
ALTER TABLE runs
    DROP COLUMN wanted, DROP COLUMN collected,
    ADD COLUMN resumed boolean NOT NULL DEFAULT false;  -- what earlier runs left is taken up

-- A status to bring home that no timeline showed has no id there; `alone`: without its conversation.
ALTER TABLE watches
    ALTER COLUMN anchor_id DROP NOT NULL,
    ADD COLUMN alone boolean NOT NULL DEFAULT false;

-- Feeds: lists of posts at the hosts where they are, an account's or a hashtag's.
CREATE TABLE feeds (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host    text NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('profile', 'hashtag')),
    name    text NOT NULL,          -- user@host, or the hashtag
    uri     text,                   -- the account's ActivityPub id, where known
    state   text NOT NULL CHECK (state IN ('known', 'due', 'done', 'failed', 'opted_out')),
    next_at timestamptz NOT NULL DEFAULT now(),
    tries   integer NOT NULL DEFAULT 0,
    read_at timestamptz,
    problem text,
    UNIQUE (host, kind, name)
);
CREATE INDEX feeds_due ON feeds (host, next_at) WHERE state = 'due';

CREATE TABLE feed_posts (
    feed_id    bigint NOT NULL REFERENCES feeds ON DELETE CASCADE,
    ord        integer NOT NULL,    -- the newest is 0
    uri        text NOT NULL,
    host       text NOT NULL,
    url        text,
    parent_uri text,
    is_reply   boolean NOT NULL,
    created_at timestamptz,
    PRIMARY KEY (feed_id, uri)
);

-- A home's interest in a feed, for one of its members.
CREATE TABLE feed_watches (
    home      text NOT NULL,
    feed_id   bigint NOT NULL REFERENCES feeds ON DELETE CASCADE,
    member_id bigint NOT NULL REFERENCES members ON DELETE CASCADE,
    local_id  text,                 -- the home's own id of the account
    posts     integer,              -- how many are brought; NULL: as the member wants of profiles
    stage     text NOT NULL DEFAULT 'read' CHECK (stage IN ('read', 'bring', 'done', 'failed')),
    next_at   timestamptz,
    again_at  timestamptz,          -- not wanted again before then
    tries     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (home, feed_id)
);
CREATE INDEX feed_watches_due ON feed_watches (home, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX feed_watches_feed ON feed_watches (feed_id);

CREATE TABLE run_feeds (
    run_id  uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    feed_id bigint NOT NULL REFERENCES feeds ON DELETE CASCADE,
    PRIMARY KEY (run_id, feed_id)
);
CREATE INDEX run_feeds_feed ON run_feeds (feed_id);
