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
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- Counts the changes of the row.
  version INTEGER NOT NULL
) STRICT;
