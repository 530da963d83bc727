-- Lists of rules about domains: the operator's, written by hand or read from files and URLs, and
-- those that homes publish about whom they block.
CREATE TABLE domain_lists (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text NOT NULL CHECK (kind IN ('hand', 'block', 'allow', 'home')),
    name     text NOT NULL,      -- the file, URL or home; empty for what was written by hand
    read_at  timestamptz,        -- when its rules were read
    tried_at timestamptz,
    problem  text,               -- why they could not be read again since
    UNIQUE (kind, name)
);
INSERT INTO domain_lists (kind, name) VALUES ('hand', '');

CREATE TABLE domain_rules (
    list_id  bigint NOT NULL REFERENCES domain_lists ON DELETE CASCADE,
    digest   bytea NOT NULL,     -- SHA-256 of the domain: homes may show a name in part only
    domain   text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('suspend', 'silence', 'noop')),
    why      text,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (digest, list_id)
);
CREATE INDEX domain_rules_list ON domain_rules (list_id);

-- Of each host: why the operator wants it neither asked nor named (NULL: nothing is against it), and
-- whether `home` blocks it. A rule covers subdomains, and within a list the longest domain counts, as
-- in Mastodon; an allowed domain is that one alone.
CREATE FUNCTION standing(names text[], home text)
RETURNS TABLE (host text, barred text, shut_out boolean) LANGUAGE sql STABLE AS $$
    WITH parts AS (
        SELECT n.host, level,
            sha256(convert_to(array_to_string(labels[level:], '.'), 'UTF8')) AS digest
        FROM unnest($1) AS n (host), string_to_array(n.host, '.') AS labels,
            generate_series(1, cardinality(labels)) AS level
    ), met AS (
        SELECT DISTINCT ON (parts.host, rule.list_id)
            parts.host, parts.level, list.id, list.kind, list.name, rule.severity, rule.why
        FROM parts JOIN domain_rules AS rule USING (digest)
            JOIN domain_lists AS list ON list.id = rule.list_id
        WHERE list.kind <> 'home' OR list.name = $2
        ORDER BY parts.host, rule.list_id, parts.level
    )
    SELECT n.host,
        coalesce(
            (SELECT CASE kind WHEN 'hand' THEN 'blocked by the operator'
                    ELSE 'on the block list ' || name END || coalesce(': ' || why, '')
             FROM met WHERE met.host = n.host AND kind IN ('hand', 'block')
                 AND severity = 'suspend'
             ORDER BY kind DESC, id LIMIT 1),
            CASE WHEN EXISTS (SELECT FROM domain_lists WHERE kind = 'allow')
                AND NOT EXISTS (SELECT FROM met WHERE met.host = n.host AND kind = 'allow'
                                AND level = 1)
            THEN 'on no allow list' END),
        EXISTS (SELECT FROM met WHERE met.host = n.host AND kind = 'home'
                AND severity = 'suspend')
    FROM unnest($1) AS n (host)
$$;

-- Hosts that refuse us are left alone, longer each time.
ALTER TABLE hosts
    ADD refused text,            -- what it did, in words for people
    ADD refused_until timestamptz,
    ADD refused_times integer NOT NULL DEFAULT 0;
