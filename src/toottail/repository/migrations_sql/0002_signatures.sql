-- How a host wants ActivityPub requests: 'cavage' or 'rfc9421' where it took such a signature,
-- 'wanted' where it refused an unsigned one and we had none, 'refused' where none of ours helped.
ALTER TABLE hosts
    ADD COLUMN signature text CHECK (signature IN ('wanted', 'cavage', 'rfc9421', 'refused')),
    ADD COLUMN signature_at timestamptz;
