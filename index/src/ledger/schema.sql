-- The ledger, first form. Times are seconds since 1970 (UTC); lists and layers are JSON.

CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
-- Goes up with every change of what anybody may see; clearances are cached under it.
INSERT INTO setting VALUES ('access_epoch', '1');

CREATE TABLE source (
  id          TEXT PRIMARY KEY,
  spec        TEXT NOT NULL,
  layer       TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('proposed', 'active', 'paused', 'revoked')),
  review_s    INTEGER,
  expire_s    INTEGER,
  added_by    TEXT NOT NULL,
  added_at    INTEGER NOT NULL,
  approved_by TEXT,
  approved_at INTEGER,
  why         TEXT,
  last_sync   INTEGER
) STRICT;

-- Folder and document layers, interned: documents with equal layers share a row.
CREATE TABLE rule (
  no     INTEGER PRIMARY KEY,
  source TEXT NOT NULL REFERENCES source,
  layers TEXT NOT NULL,
  UNIQUE (source, layers)
) STRICT;

CREATE TABLE document (
  no            INTEGER PRIMARY KEY AUTOINCREMENT,
  source        TEXT NOT NULL REFERENCES source,
  path          TEXT NOT NULL,
  place_layers  TEXT NOT NULL,              -- what the folders (or the push) say
  rule          INTEGER NOT NULL REFERENCES rule, -- the above with the document's own layers
  hidden        INTEGER NOT NULL DEFAULT 0, -- draft, or publish = false
  uri           TEXT,
  said          TEXT,                       -- what a push said of title and language
  newest        INTEGER,                    -- the version seen last
  live          INTEGER,                    -- the approved version that answers
  live_modified INTEGER,                    -- of that version; here so that a clearance reads one table
  UNIQUE (source, path)
) STRICT;
CREATE INDEX document_live ON document (live);

CREATE TABLE version (
  no          INTEGER PRIMARY KEY AUTOINCREMENT,
  document    INTEGER NOT NULL REFERENCES document ON DELETE CASCADE,
  hash        TEXT NOT NULL,
  title       TEXT NOT NULL,
  language    TEXT NOT NULL,
  extractor   INTEGER NOT NULL,
  owner       TEXT,
  access      TEXT,                         -- the version's own layers: its file's, then its push's
  pages       TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  seen_at     INTEGER NOT NULL,
  brought_by  TEXT,                         -- who pushed it; nobody pushes a folder's files
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected', 'withdrawn', 'draft')),
  approved_by TEXT,
  approved_at INTEGER,
  UNIQUE (document, hash, title, language, extractor)
) STRICT;

CREATE TABLE version_text (
  version INTEGER PRIMARY KEY REFERENCES version ON DELETE CASCADE,
  text    TEXT NOT NULL
) STRICT;

CREATE TABLE decision (
  no      INTEGER PRIMARY KEY AUTOINCREMENT,
  version INTEGER NOT NULL,
  act     TEXT NOT NULL CHECK (act IN ('approve', 'reject', 'withdraw')),
  by      TEXT NOT NULL,
  at      INTEGER NOT NULL,
  note    TEXT
) STRICT;

-- Files that could not be read, with a reason that somebody can act on.
CREATE TABLE problem (
  source  TEXT NOT NULL REFERENCES source ON DELETE CASCADE,
  path    TEXT NOT NULL,
  reason  TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (source, path)
) STRICT;

CREATE TABLE kept_group (name TEXT PRIMARY KEY) STRICT;
CREATE TABLE membership (
  grp    TEXT NOT NULL REFERENCES kept_group ON DELETE CASCADE,
  member TEXT NOT NULL,
  PRIMARY KEY (grp, member)
) STRICT;
CREATE INDEX membership_member ON membership (member);

-- What the indexes follow. A generation stands at one sequence number.
CREATE TABLE change (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  version INTEGER NOT NULL,
  act     TEXT NOT NULL CHECK (act IN ('add', 'drop', 'rule'))
) STRICT;

CREATE TABLE generation (
  no         INTEGER PRIMARY KEY AUTOINCREMENT,
  settings   TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('building', 'live', 'old')),
  created_at INTEGER NOT NULL,
  live_at    INTEGER
) STRICT;

CREATE TABLE chunk (
  no         INTEGER PRIMARY KEY,
  generation INTEGER NOT NULL REFERENCES generation ON DELETE CASCADE,
  version    INTEGER NOT NULL,
  place      INTEGER NOT NULL,
  start      INTEGER NOT NULL,
  stop       INTEGER NOT NULL,
  page       INTEGER,
  heading    TEXT NOT NULL,
  embedded   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (generation, version, place)
) STRICT;
CREATE INDEX chunk_unembedded ON chunk (generation, version DESC) WHERE embedded = 0;

-- Every window of a chunk: a little-endian f32 scale, then one signed byte for each dimension.
CREATE TABLE embedding (
  no         INTEGER PRIMARY KEY AUTOINCREMENT,
  generation INTEGER NOT NULL REFERENCES generation ON DELETE CASCADE,
  version    INTEGER NOT NULL,
  place      INTEGER NOT NULL,
  windows    BLOB NOT NULL,
  UNIQUE (generation, version, place)
) STRICT;

CREATE TABLE api_key (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  role       TEXT NOT NULL CHECK (role IN ('reader', 'pusher', 'auditor', 'administrator')),
  user       TEXT,
  sources    TEXT NOT NULL,
  hash       TEXT NOT NULL UNIQUE,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used  INTEGER,
  revoked_at INTEGER
) STRICT;

CREATE TABLE job (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL CHECK (kind IN ('sync', 'extract', 'reindex')),
  source      TEXT,
  payload     TEXT NOT NULL,
  actor       TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
  done        INTEGER NOT NULL DEFAULT 0,
  total       INTEGER NOT NULL DEFAULT 0,
  detail      TEXT,
  created_at  INTEGER NOT NULL,
  started_at  INTEGER,
  finished_at INTEGER
) STRICT;
CREATE INDEX job_open ON job (state) WHERE state IN ('queued', 'running');

-- The audit. `audit` is chained and never changes; `audit_person` holds what can be erased, and the
-- chain holds only a salted commitment to it.
CREATE TABLE audit (
  seq        INTEGER PRIMARY KEY,
  at         TEXT NOT NULL,
  kind       TEXT NOT NULL,
  answer     TEXT,
  body       TEXT NOT NULL,
  commitment TEXT NOT NULL,
  hash       TEXT NOT NULL
) STRICT;
CREATE INDEX audit_answer ON audit (answer) WHERE answer IS NOT NULL;
CREATE TABLE audit_person (
  seq  INTEGER PRIMARY KEY REFERENCES audit,
  user TEXT NOT NULL,
  salt TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX audit_person_user ON audit_person (user);
CREATE TABLE audit_document (
  seq      INTEGER NOT NULL REFERENCES audit,
  document TEXT NOT NULL,
  PRIMARY KEY (document, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE feedback (
  answer  TEXT NOT NULL,
  user    TEXT NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('right', 'wrong')),
  comment TEXT,
  at      INTEGER NOT NULL,
  PRIMARY KEY (answer, user)
) STRICT;
