CREATE TABLE copilot_confirmation_tokens (
  token_hash varchar(64) PRIMARY KEY,
  params_hash varchar(64) NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  created_at timestamptz NOT NULL,
  v smallint,
  subject text,
  tool text,
  params text,
  session_id text,
  proposal_id text,
  mismatches integer NOT NULL DEFAULT 0,
  job_id text,
  idem_hash varchar(64),
  revoked_at timestamptz,
  mac text
);

CREATE INDEX copilot_confirmation_tokens_expires_at ON copilot_confirmation_tokens (expires_at);

CREATE TABLE jobs (
  id text PRIMARY KEY,
  -- One token never starts two jobs, whatever is forgotten of it.
  token_hash varchar(64) NOT NULL UNIQUE,
  subject text NOT NULL,
  tool text NOT NULL,
  params text NOT NULL,
  params_hash varchar(64) NOT NULL,
  -- The idempotency key that it was confirmed under, hashed with its subject.
  idem_hash varchar(64),
  state text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  -- Counts the changes of the row.
  version bigint NOT NULL DEFAULT 1
);

CREATE INDEX jobs_idem_hash ON jobs (idem_hash) WHERE idem_hash IS NOT NULL;

-- Tokens that are kept elsewhere and are about to be consumed: written before, removed with the job.
CREATE TABLE confirm_intents (
  token_hash varchar(64) PRIMARY KEY,
  job_id text NOT NULL,
  created_at timestamptz NOT NULL
);

-- Conversations, with the end of their evidence.
CREATE TABLE copilot_sessions (
  id text PRIMARY KEY,
  subject text NOT NULL,
  created_at timestamptz NOT NULL,
  entries bigint NOT NULL,
  head varchar(64) NOT NULL
);

-- Rows are added and never changed.
CREATE TABLE copilot_evidence (
  session_id text NOT NULL,
  n bigint NOT NULL,
  entry text NOT NULL,
  hash varchar(64) NOT NULL,
  PRIMARY KEY (session_id, n)
);
