-- The engine's part of the service comes with its own branch.
SELECT 1;
