-- A name may be served by another host: accounts carry the one, URIs the other.
ALTER TABLE hosts
    ADD COLUMN server text,            -- the host behind this name, where that is another one
    ADD COLUMN server_at timestamptz;
