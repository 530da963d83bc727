-- Slices: the members of a very large home are collected in several lanes, `home#1`, `home#2` and so
-- on; 0 is the home's main lane. No name of a host has a '#'.
ALTER TABLE members
    ADD COLUMN slice smallint NOT NULL DEFAULT 0,
    ADD COLUMN slice_to smallint,  -- where the member is to go: the lane that has them gives them away
    ADD COLUMN carried jsonb;      -- how much of the token's limits is used, on the way between lanes
CREATE INDEX members_slice ON members (home, slice) INCLUDE (slice_to);
CREATE INDEX members_moving ON members (home, slice)
    WHERE slice_to IS NOT NULL OR carried IS NOT NULL;
CREATE INDEX lanes_slices ON lanes (split_part(key, '#', 1)) WHERE strpos(key, '#') > 0;

CREATE FUNCTION lane_of(home text, slice smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN slice = 0 THEN home ELSE home || '#' || slice::text END
$$;

-- What the lanes of one home tell each other of its failures; without a row it works.
CREATE TABLE home_circuits (
    home       text PRIMARY KEY,
    failures   integer NOT NULL,         -- in a row
    rest_until double precision NOT NULL -- seconds since the epoch
);

-- From one slice to the next without the members of all other homes.
CREATE INDEX members_sliced ON members (home, slice) WHERE slice > 0;
