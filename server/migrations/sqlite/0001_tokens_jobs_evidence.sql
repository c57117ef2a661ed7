-- Times are milliseconds since the Unix epoch.

CREATE TABLE copilot_confirmation_tokens (
  token_hash TEXT NOT NULL PRIMARY KEY,
  v INTEGER NOT NULL,
  subject TEXT NOT NULL,
  tool TEXT NOT NULL,
  params TEXT NOT NULL,
  params_hash TEXT NOT NULL,
  session_id TEXT NOT NULL,
  proposal_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  mismatches INTEGER NOT NULL,
  used_at INTEGER,
  job_id TEXT,
  idem_hash TEXT,
  revoked_at INTEGER,
  mac TEXT NOT NULL
) STRICT;

CREATE INDEX copilot_confirmation_tokens_expires_at ON copilot_confirmation_tokens (expires_at);

CREATE TABLE jobs (
  id TEXT NOT NULL PRIMARY KEY,
  -- One token never starts two jobs, whatever is forgotten of it.
  token_hash TEXT NOT NULL UNIQUE,
  subject TEXT NOT NULL,
  tool TEXT NOT NULL,
  params TEXT NOT NULL,
  params_hash TEXT NOT NULL,
  -- The idempotency key that it was confirmed under, hashed with its subject.
  idem_hash TEXT,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- Counts the changes of the row.
  version INTEGER NOT NULL
) STRICT;

CREATE INDEX jobs_idem_hash ON jobs (idem_hash) WHERE idem_hash IS NOT NULL;

-- Tokens that are kept elsewhere and are about to be consumed: written before, removed with the job.
CREATE TABLE confirm_intents (
  token_hash TEXT NOT NULL PRIMARY KEY,
  job_id TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Conversations, with the end of their evidence.
CREATE TABLE copilot_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  head TEXT NOT NULL
) STRICT;

-- Rows are added and never changed.
CREATE TABLE copilot_evidence (
  session_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  entry TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (session_id, n)
) STRICT, WITHOUT ROWID;
