-- What a job has been through, and what is left to do after its end.

ALTER TABLE jobs
  -- Workers that have died with it, and attempts that failed for the database or the storage.
  ADD COLUMN crashes integer NOT NULL DEFAULT 0,
  ADD COLUMN failures integer NOT NULL DEFAULT 0,
  -- Whether its end was counted and written down as evidence.
  ADD COLUMN is_noted boolean NOT NULL DEFAULT false;

CREATE INDEX jobs_unnoted ON jobs (finished_at) WHERE NOT is_noted AND finished_at IS NOT NULL;

-- Whether the file of a result whose time is over was removed.
ALTER TABLE backtest_results ADD COLUMN is_file_removed boolean NOT NULL DEFAULT false;

-- One idempotency key stands for one job.
DROP INDEX jobs_idem_hash;
CREATE UNIQUE INDEX jobs_idem_hash ON jobs (idem_hash) WHERE idem_hash IS NOT NULL;
