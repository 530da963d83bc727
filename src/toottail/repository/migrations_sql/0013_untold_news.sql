-- What looks brought while others of the same conversation were still due: the homes that were done
-- with it are told when those are over.
ALTER TABLE conversations ADD untold boolean NOT NULL DEFAULT false;
