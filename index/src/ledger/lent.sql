-- A key may be a widget's: it has tokens made for people. A table's check can't be changed, so the table is
-- written anew.
CREATE TABLE api_key_now (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  role       TEXT NOT NULL CHECK (role IN ('reader', 'pusher', 'auditor', 'administrator', 'widget')),
  user       TEXT,
  sources    TEXT NOT NULL,
  hash       TEXT NOT NULL UNIQUE,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used  INTEGER,
  revoked_at INTEGER
) STRICT;
INSERT INTO api_key_now SELECT id, name, role, user, sources, hash, created_by, created_at, expires_at,
  last_used, revoked_at FROM api_key;
DROP TABLE api_key;
ALTER TABLE api_key_now RENAME TO api_key;

-- The key that had such a token made. It lies beside the browsers' sessions; NULL: a sign-in.
ALTER TABLE session ADD COLUMN key TEXT REFERENCES api_key (id);
