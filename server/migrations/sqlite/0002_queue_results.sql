-- The queue: who works on a job, until when, and how far it is.

ALTER TABLE jobs ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
-- Raised by every claim; what a worker writes is written under its own number only.
ALTER TABLE jobs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN worker TEXT;
ALTER TABLE jobs ADD COLUMN run_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN lease_until INTEGER;
ALTER TABLE jobs ADD COLUMN progress REAL NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN phase TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN cancel_requested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN started_at INTEGER;
ALTER TABLE jobs ADD COLUMN finished_at INTEGER;
ALTER TABLE jobs ADD COLUMN error_code TEXT;
ALTER TABLE jobs ADD COLUMN error_cause TEXT;
ALTER TABLE jobs ADD COLUMN error_message TEXT;
ALTER TABLE jobs ADD COLUMN result_hash TEXT;

CREATE INDEX jobs_waiting ON jobs (run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (subject) WHERE state = 'running';
CREATE INDEX jobs_subject ON jobs (subject, created_at DESC, id DESC);

-- Results that are whole; those that are still written have chunks alone.
CREATE TABLE backtest_results (
  job_id TEXT NOT NULL PRIMARY KEY,
  -- Whose chunks they are.
  attempt INTEGER NOT NULL,
  result_hash TEXT NOT NULL,
  metrics TEXT NOT NULL,
  equity_rows INTEGER NOT NULL,
  trades_rows INTEGER NOT NULL,
  blob_sha256 TEXT NOT NULL,
  blob_bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  -- When rows and blob are removed; the row itself is kept for seven days more.
  expires_at INTEGER NOT NULL,
  is_expired INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX backtest_results_result_hash ON backtest_results (result_hash);
CREATE INDEX backtest_results_expires_at ON backtest_results (expires_at);

-- Rows of a result, a thousand at a time, as a JSON array.
CREATE TABLE backtest_result_rows (
  job_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  part TEXT NOT NULL,
  chunk INTEGER NOT NULL,
  rows TEXT NOT NULL,
  PRIMARY KEY (job_id, attempt, part, chunk)
) STRICT, WITHOUT ROWID;
