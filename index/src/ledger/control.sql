-- Second form: headings inside chunks, what is stopped, what waits for a second person, who signed in.

-- Headings that begin inside a chunk, so that a citation names the one that its quote stands under.
ALTER TABLE chunk ADD COLUMN sections TEXT NOT NULL DEFAULT '[]';

-- When a pause ends by itself, and what a revoke took away.
ALTER TABLE source ADD COLUMN until INTEGER;
ALTER TABLE source ADD COLUMN purged TEXT;

CREATE TABLE block (
  user  TEXT PRIMARY KEY,
  by    TEXT NOT NULL,
  why   TEXT NOT NULL,
  at    INTEGER NOT NULL,
  until INTEGER
) STRICT;

-- At most one row: the whole assistant is stopped.
CREATE TABLE stop (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  by    TEXT NOT NULL,
  why   TEXT NOT NULL,
  at    INTEGER NOT NULL,
  until INTEGER
) STRICT;

-- Changes that let more people see more than one person may decide.
CREATE TABLE held (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL CHECK (kind IN ('source', 'folder', 'nesting')),
  subject    TEXT NOT NULL,                 -- the source, or the group
  what       TEXT NOT NULL,                 -- the change in a sentence, without titles
  change     TEXT NOT NULL,                 -- the change itself
  by         TEXT NOT NULL,
  at         INTEGER NOT NULL,
  decision   TEXT CHECK (decision IN ('approved', 'rejected', 'replaced')),
  decided_by TEXT,
  decided_at INTEGER
) STRICT;

-- Whom an identity provider's subject stands for, from the first sign-in on.
CREATE TABLE identity (
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  user       TEXT NOT NULL UNIQUE,
  first_seen INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT;

-- Sign-ins in a browser, by the hash of their cookie.
CREATE TABLE session (
  hash       TEXT PRIMARY KEY,
  user       TEXT NOT NULL,
  groups     TEXT NOT NULL,                 -- those of the token, as JSON
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_user ON session (user);
