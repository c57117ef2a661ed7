-- What a job has been through, and what is left to do after its end.

-- Workers that have died with it, and attempts that failed for the database or the storage.
ALTER TABLE jobs ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
-- Whether its end was counted and written down as evidence.
ALTER TABLE jobs ADD COLUMN is_noted INTEGER NOT NULL DEFAULT 0;

CREATE INDEX jobs_unnoted ON jobs (finished_at) WHERE is_noted = 0 AND finished_at IS NOT NULL;

-- Whether the file of a result whose time is over was removed.
ALTER TABLE backtest_results ADD COLUMN is_file_removed INTEGER NOT NULL DEFAULT 0;
