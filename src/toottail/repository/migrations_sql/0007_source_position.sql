-- Where the reading of a paged source was stopped, to go on from there.
SELECT 1;
