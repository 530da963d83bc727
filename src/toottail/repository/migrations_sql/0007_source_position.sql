-- How far a reading of a source is that was stopped between two pages: it goes on there, for the same
-- runs and within the hour.
ALTER TABLE sources
    ADD COLUMN page_max_id text,     -- the next page begins below this entry
    ADD COLUMN page_read integer,    -- so many entries were read before it
    ADD COLUMN page_newest_id text,  -- the newest entry of the first page
    ADD COLUMN page_runs uuid[],     -- the runs that all of it was read for
    ADD COLUMN page_at timestamptz;
