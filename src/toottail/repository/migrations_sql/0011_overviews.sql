-- What members and the operator see of conversations is counted from the index alone: a member's
-- thousand conversations of forty statuses are some 40,000 rows each time their page is opened.
DROP INDEX deliveries_conversation;
CREATE INDEX deliveries_conversation ON deliveries (conversation_id, home)
    INCLUDE (state, changed_at);
DROP INDEX statuses_conversation;
CREATE INDEX statuses_conversation ON statuses (conversation_id, host);
CREATE INDEX deliveries_brought ON deliveries (changed_at) WHERE state IN ('delivered', 'resolved');
CREATE INDEX deliveries_failed ON deliveries (changed_at)
    WHERE state IN ('unattached', 'not_obtained', 'given_up');

-- Since when a home watches a conversation: what was posted before that came late for no fault of ours.
ALTER TABLE watches ADD COLUMN began_at timestamptz NOT NULL DEFAULT now();

-- How much of a conversation a home has. Each status is in one of here, waiting, not_obtained and
-- out_of_reach; were_here is a part of here. `whole`: it lacks nothing that can be had. A status of
-- the home itself is there without a delivery, and of a conversation that is not wanted as a whole
-- only what is wanted by itself counts. A look at one that was through leaves it as it is until it
-- brings something.
CREATE FUNCTION completeness(conversation bigint, at_home text)
RETURNS TABLE (working boolean, whole boolean, total bigint, were_here bigint, here bigint,
               waiting bigint, not_obtained bigint, out_of_reach bigint)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT goes_on.working, goes_on.stage = 'done' AND d.lost = 0, goes_on.total,
        d.already + own.n, d.already + d.brought + own.n,
        CASE WHEN goes_on.working
             THEN goes_on.total - d.already - d.brought - own.n - d.lost - d.loose ELSE 0 END,
        d.lost,
        CASE WHEN goes_on.working
             THEN d.loose ELSE goes_on.total - d.already - d.brought - own.n - d.lost END
    FROM watches AS w
        CROSS JOIN LATERAL (
            SELECT count(*) AS n,
                count(*) FILTER (WHERE state = 'already_there') AS already,
                count(*) FILTER (WHERE state IN ('delivered', 'resolved')) AS brought,
                count(*) FILTER (WHERE state IN ('not_obtained', 'given_up')) AS lost,
                count(*) FILTER (WHERE state = 'unattached') AS loose
            FROM deliveries WHERE conversation_id = $1 AND home = $2) AS d
        CROSS JOIN LATERAL (
            SELECT count(*) AS n FROM statuses WHERE conversation_id = $1 AND NOT w.alone) AS s
        CROSS JOIN LATERAL (
            SELECT count(*) AS n FROM statuses
            WHERE conversation_id = $1 AND host = $2 AND s.n > d.n AND NOT EXISTS (
                SELECT FROM deliveries WHERE home = $2 AND uri = statuses.uri)) AS own
        CROSS JOIN LATERAL (
            SELECT rest.stage, rest.stage NOT IN ('done', 'failed') AS working,
                CASE WHEN w.alone THEN d.n ELSE s.n END AS total
            FROM (SELECT CASE WHEN w.stage = 'look' THEN coalesce(w.ended, w.stage)
                         ELSE w.stage END AS stage) AS rest) AS goes_on
    WHERE w.conversation_id = $1 AND w.home = $2
$$;
