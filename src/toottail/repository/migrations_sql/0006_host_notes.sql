-- What dialects want remembered of a host, in their own words, rather than a column for each.
ALTER TABLE hosts ADD COLUMN notes text[] NOT NULL DEFAULT '{}';
UPDATE hosts SET notes = '{api-off}' WHERE api_off;
ALTER TABLE hosts DROP COLUMN api_off;
