-- Hosts: what is known of a server, whoever asked it.
CREATE TABLE hosts (
    host              text PRIMARY KEY,
    software          text,
    version           text,
    identified_at     timestamptz,
    robots            text,            -- the text of its robots.txt; NULL beside robots_at: it has none
    robots_at         timestamptz,
    answered_at       timestamptz,     -- when it last answered us anything at all
    problem           text,            -- what went wrong last, in words for people
    problem_at        timestamptz,
    probe_at          timestamptz,     -- due: find out whether it answers
    api_off           boolean NOT NULL DEFAULT false,  -- its API is closed to anonymous readers
    fetches_ancestors boolean          -- as a home: learned; NULL: as its software usually does
);
CREATE INDEX hosts_probe ON hosts (probe_at) WHERE probe_at IS NOT NULL;

-- Lanes: who may work at a host now. Every write of a visit is conditional on its epoch.
CREATE TABLE lanes (
    key         text PRIMARY KEY,
    epoch       bigint NOT NULL DEFAULT 0,
    holder      uuid,
    lease_until timestamptz,
    poked       boolean NOT NULL DEFAULT false,  -- work came in while somebody held the lane
    budget      jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- One row a visit, so that "no lane is served twice" can be read off the database.
CREATE TABLE visits (
    key        text NOT NULL,
    epoch      bigint NOT NULL,
    worker     uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    requests   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (key, epoch)
);
CREATE INDEX visits_started ON visits (started_at);

-- Workers: a process that serves lanes. It holds the advisory lock `lock_key` while it lives.
CREATE TABLE workers (
    id         uuid PRIMARY KEY,
    lock_key   integer GENERATED ALWAYS AS IDENTITY,
    started_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE members (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home              text NOT NULL,
    token_fingerprint bytea NOT NULL,
    token_sealed      bytea NOT NULL,
    account           text,
    active_until      timestamptz,     -- work is done only for members who are active
    collect_at        timestamptz,     -- due: read the timeline
    newest_id         text,            -- the newest timeline status that was read with no gap below it
    depth             integer NOT NULL DEFAULT 0,  -- how many statuses were read without a gap
    problem           text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (home, token_fingerprint)
);
CREATE INDEX members_collect ON members (home, collect_at) WHERE collect_at IS NOT NULL;

CREATE TABLE conversations (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    root_uri     text NOT NULL UNIQUE,  -- the topmost status known so far
    host         text NOT NULL,         -- where that was posted
    created_at   timestamptz,
    looked_at    timestamptz,
    arrived_at   timestamptz,           -- when a look last brought a reply not known before
    next_look_at timestamptz,
    requests     integer NOT NULL DEFAULT 0,  -- of the present look, all hosts together
    listed_whole boolean NOT NULL DEFAULT false  -- its origin gave a flat list of everything in it
);

-- Statuses of conversations. Nothing of what people wrote is kept.
CREATE TABLE statuses (
    uri             text PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
    ord             bigint GENERATED ALWAYS AS IDENTITY,
    host            text NOT NULL,
    url             text,
    parent_uri      text,
    placed          boolean NOT NULL,   -- its parent is known, or it has none
    listed_by       text NOT NULL,      -- the host that first named it
    created_at      timestamptz,
    replies_count   integer,            -- as its own host or the root's host counts
    opted_out       boolean NOT NULL DEFAULT false,
    gone            boolean NOT NULL DEFAULT false,
    found_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX statuses_conversation ON statuses (conversation_id);
CREATE INDEX statuses_parent ON statuses (parent_uri);

-- Looks: one question to one host about one status of a conversation.
CREATE TABLE looks (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
    host            text NOT NULL,
    uri             text NOT NULL,
    how             text NOT NULL DEFAULT '',
    hint            text NOT NULL DEFAULT '',
    first           boolean NOT NULL DEFAULT false,  -- the first question about a conversation
    named_by        text NOT NULL,      -- the host whose answer led to this question
    state           text NOT NULL DEFAULT 'due'
                    CHECK (state IN ('due', 'held', 'done', 'failed', 'needless')),
    next_at         timestamptz NOT NULL DEFAULT now(),
    tries           integer NOT NULL DEFAULT 0,
    problem         text,
    rank            smallint NOT NULL GENERATED ALWAYS AS (
        -- What is asked first makes later questions needless: the root, flat listings, contexts,
        -- direct replies, and last what only one status could tell.
        CASE WHEN first OR how LIKE '%thread' THEN 0
             WHEN how = 'context' THEN 1
             WHEN how LIKE '%replies' THEN 2
             WHEN hint <> '' THEN 3
             ELSE 4 END) STORED
);
-- Two questions that begin from the same status are one, whatever their hints.
CREATE UNIQUE INDEX looks_once ON looks
    (conversation_id, host, uri, how, (CASE WHEN how = '' THEN '' ELSE hint END));
CREATE INDEX looks_rank ON looks (conversation_id, rank) WHERE state = 'due';
CREATE INDEX looks_named ON looks (named_by, host);
CREATE INDEX looks_due ON looks (host, next_at) WHERE state = 'due';

-- Watches: a home's interest in a conversation.
CREATE TABLE watches (
    home            text NOT NULL,
    conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
    anchor_uri      text NOT NULL,      -- the status through which the home's members saw it
    anchor_id       text NOT NULL,      -- the home's own id of that status
    anchor_parent   text,               -- the home's own id of the status it replies to
    root_id         text,               -- the home's own id of the root
    shown           integer,            -- how many direct replies the home shows below the root
    stage           text NOT NULL DEFAULT 'look'
                    CHECK (stage IN ('look', 'climb', 'compare', 'refresh', 'plan', 'resolve', 'verify',
                                     'done', 'failed')),
    next_at         timestamptz,
    compared_at     timestamptz,
    verifies        integer NOT NULL DEFAULT 0,
    unproven        boolean NOT NULL DEFAULT false,  -- resolved since the last verify, place unseen
    tries           integer NOT NULL DEFAULT 0,
    problem         text,
    ends_at         timestamptz NOT NULL DEFAULT now() + interval '7 days',
    PRIMARY KEY (home, conversation_id)
);
CREATE INDEX watches_due ON watches (home, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX watches_conversation ON watches (conversation_id);

-- Which members saw a conversation: a person's reading history, so it expires with the watch.
CREATE TABLE watchers (
    member_id       bigint NOT NULL REFERENCES members ON DELETE CASCADE,
    conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
    seen_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (member_id, conversation_id)
);
CREATE INDEX watchers_conversation ON watchers (conversation_id);

-- Deliveries: a status on its way to a home, or known to be there.
CREATE TABLE deliveries (
    home            text NOT NULL,
    uri             text NOT NULL,
    conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
    state           text NOT NULL
                    CHECK (state IN ('pending', 'expected', 'resolved', 'delivered', 'unattached',
                                     'already_there', 'not_obtained', 'given_up')),
    local_id        text,
    next_at         timestamptz,
    tries           integer NOT NULL DEFAULT 0,
    observed        text,
    inferred        text,
    changed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (home, uri)
);
CREATE INDEX deliveries_due ON deliveries (home, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_conversation ON deliveries (conversation_id, home);
CREATE INDEX deliveries_local ON deliveries (home, local_id) WHERE local_id IS NOT NULL;

-- Runs of `toottail fetch`: one account, once.
CREATE TABLE runs (
    id            uuid PRIMARY KEY,
    member_id     bigint NOT NULL REFERENCES members ON DELETE CASCADE,
    wanted        integer NOT NULL,
    dry           boolean NOT NULL DEFAULT false,
    started_at    timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz,
    collected     boolean NOT NULL DEFAULT false,
    statuses_read integer NOT NULL DEFAULT 0,
    problem       text,
    exit_code     integer
);
CREATE INDEX runs_member ON runs (member_id);

CREATE TABLE run_conversations (
    run_id          uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
    PRIMARY KEY (run_id, conversation_id)
);
CREATE INDEX run_conversations_conversation ON run_conversations (conversation_id);

-- Requests that were made for a run: appended, never updated, so that no two steps wait for a row.
CREATE TABLE spending (
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    home   integer NOT NULL,
    remote integer NOT NULL
);
CREATE INDEX spending_run ON spending (run_id);
