-- A list may be a URL with a secret in its query or before its host. What is stored and shown is the
-- rest; a digest of the whole tells lists apart.
ALTER TABLE domain_lists ADD key bytea, DROP CONSTRAINT domain_lists_kind_name_key;
UPDATE domain_lists SET key = sha256(convert_to(name, 'UTF8')),
    name = regexp_replace(
        regexp_replace(name, '^(https://)([^/?#]*@)?', '\1'), '^(https://[^?#]*)[?#].*$', '\1?…');
ALTER TABLE domain_lists
    ALTER key SET NOT NULL,
    ADD UNIQUE (kind, key);
