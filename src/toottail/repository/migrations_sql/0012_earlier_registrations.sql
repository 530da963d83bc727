-- Clients that are no longer used for sign-ins, but to which members' tokens were issued: only the
-- client of a token can revoke it. Most come from a service that was moved over.
CREATE TABLE earlier_registrations (
    home          text NOT NULL,
    client_id     text NOT NULL,
    secret_sealed bytea NOT NULL,
    revoke_path   text NOT NULL DEFAULT '/oauth/revoke',
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (home, client_id)
);

-- A client that is replaced, or forgotten, goes there while members are served at its home.
CREATE FUNCTION keep_earlier_registration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO earlier_registrations (home, client_id, secret_sealed, revoke_path)
    SELECT OLD.home, OLD.client_id, OLD.secret_sealed, OLD.revoke_path
    WHERE EXISTS (SELECT FROM members WHERE members.home = OLD.home AND served)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER replaced AFTER UPDATE OF client_id ON registrations
    FOR EACH ROW WHEN (OLD.client_id <> NEW.client_id) EXECUTE FUNCTION keep_earlier_registration();
CREATE TRIGGER dropped AFTER DELETE ON registrations
    FOR EACH ROW EXECUTE FUNCTION keep_earlier_registration();

-- They go with the last member of their home.
CREATE FUNCTION drop_earlier_registrations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM earlier_registrations AS e
    WHERE home IN (SELECT home FROM gone)
        AND NOT EXISTS (SELECT FROM members WHERE members.home = e.home AND served);
    RETURN NULL;
END
$$;
CREATE TRIGGER left_home AFTER DELETE ON members REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION drop_earlier_registrations();
