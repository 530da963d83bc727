-- The service: members who signed in and are served until they leave.
ALTER TABLE members
    ADD COLUMN served boolean NOT NULL DEFAULT false,  -- collected by a rhythm, not by runs alone
    ADD COLUMN paused_why text CHECK (paused_why IN ('member', 'operator', 'token', 'home')),
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN failing_since timestamptz,  -- their home, or their token, was of no use since then
    ADD COLUMN delete_at timestamptz,      -- after that the member is removed
    ADD COLUMN seen_at timestamptz;        -- when the member last opened a page of ours
CREATE UNIQUE INDEX members_account ON members (home, account_id)
    WHERE served AND account_id IS NOT NULL;
CREATE INDEX members_served ON members (home) WHERE served;

-- Registrations: our OAuth client at a home, one each, made once and used by all its members.
CREATE TABLE registrations (
    home          text PRIMARY KEY,
    client_id     text NOT NULL,
    secret_sealed bytea NOT NULL,
    redirect_uri  text NOT NULL,
    scopes        text NOT NULL,       -- all it may ever ask for; a sign-in asks for fewer
    knows_profile boolean NOT NULL,    -- the home understands the scope `profile`
    revoke_path   text NOT NULL DEFAULT '/oauth/revoke',
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- Sign-ins under way, each good once. Of the state only a digest is kept.
CREATE TABLE sign_ins (
    state_digest   bytea PRIMARY KEY,
    browser_digest bytea NOT NULL,     -- of the cookie of the browser that began it
    home           text NOT NULL,
    verifier_sealed bytea NOT NULL,    -- of PKCE
    scopes         text NOT NULL,
    sources        text[] NOT NULL,
    invite_digest  bytea,
    expires_at     timestamptz NOT NULL
);

CREATE TABLE sessions (
    digest     bytea PRIMARY KEY,      -- of the cookie
    member_id  bigint NOT NULL REFERENCES members ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_member ON sessions (member_id);

CREATE TABLE invites (
    digest     bytea PRIMARY KEY,
    note       text NOT NULL DEFAULT '',
    uses_left  integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz
);

-- Allowances of our own: how often something may be done, by the time at which it is all used up.
CREATE TABLE allowances (
    key     text PRIMARY KEY,
    used_up timestamptz NOT NULL
);

-- Servers whose admins asked to be left alone, as far as that was not proven and done at once.
CREATE TABLE opt_outs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host       text NOT NULL,
    contact    text NOT NULL DEFAULT '',
    words      text NOT NULL DEFAULT '',
    state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'declined')),
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz
);

-- Secrets of the service itself that all its processes share, sealed: the actor's private key.
CREATE TABLE service_secrets (
    name   text PRIMARY KEY,
    sealed bytea NOT NULL
);
