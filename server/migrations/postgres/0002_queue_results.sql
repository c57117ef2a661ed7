-- The queue: who works on a job, until when, and how far it is.

ALTER TABLE jobs
  ADD COLUMN session_id text NOT NULL DEFAULT '',
  -- Raised by every claim; what a worker writes is written under its own number only.
  ADD COLUMN attempt integer NOT NULL DEFAULT 0,
  ADD COLUMN worker text,
  ADD COLUMN run_at timestamptz NOT NULL DEFAULT 'epoch',
  ADD COLUMN lease_until timestamptz,
  ADD COLUMN progress double precision NOT NULL DEFAULT 0,
  ADD COLUMN phase text NOT NULL DEFAULT '',
  ADD COLUMN cancel_requested boolean NOT NULL DEFAULT false,
  ADD COLUMN started_at timestamptz,
  ADD COLUMN finished_at timestamptz,
  ADD COLUMN error_code text,
  ADD COLUMN error_cause text,
  ADD COLUMN error_message text,
  ADD COLUMN result_hash varchar(64);

CREATE INDEX jobs_waiting ON jobs (run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (subject) WHERE state = 'running';
CREATE INDEX jobs_subject ON jobs (subject, created_at DESC, id DESC);

-- Results that are whole; those that are still written have chunks alone.
CREATE TABLE backtest_results (
  job_id text PRIMARY KEY,
  -- Whose chunks they are.
  attempt integer NOT NULL,
  result_hash varchar(64) NOT NULL,
  metrics jsonb NOT NULL,
  equity_rows bigint NOT NULL,
  trades_rows bigint NOT NULL,
  blob_sha256 varchar(64) NOT NULL,
  blob_bytes bigint NOT NULL,
  created_at timestamptz NOT NULL,
  -- When rows and blob are removed; the row itself is kept for seven days more.
  expires_at timestamptz NOT NULL,
  is_expired boolean NOT NULL DEFAULT false
);

CREATE INDEX backtest_results_result_hash ON backtest_results (result_hash);
CREATE INDEX backtest_results_expires_at ON backtest_results (expires_at);

-- Rows of a result, a thousand at a time, as a JSON array.
CREATE TABLE backtest_result_rows (
  job_id text NOT NULL,
  attempt integer NOT NULL,
  part text NOT NULL,
  chunk bigint NOT NULL,
  rows jsonb NOT NULL,
  PRIMARY KEY (job_id, attempt, part, chunk)
);
