-- Third form: a version is its bytes with everything that a reader sees of them, so the address of the
-- original belongs to it, and the same bytes may be several versions. SQLite can't take a UNIQUE away:
-- the table is made anew (foreign keys are off meanwhile, see `Ledger::open`).
CREATE TABLE version_anew (
  no          INTEGER PRIMARY KEY AUTOINCREMENT,
  document    INTEGER NOT NULL REFERENCES document ON DELETE CASCADE,
  hash        TEXT NOT NULL,
  title       TEXT NOT NULL,
  language    TEXT NOT NULL,
  extractor   INTEGER NOT NULL,
  owner       TEXT,
  uri         TEXT,                         -- where people open the original
  access      TEXT,                         -- the version's own layers: its file's, then its push's
  pages       TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  seen_at     INTEGER NOT NULL,
  brought_by  TEXT,                         -- who pushed it; nobody pushes a folder's files
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected', 'withdrawn', 'draft')),
  approved_by TEXT,
  approved_at INTEGER
) STRICT;
INSERT INTO version_anew
  SELECT v.no, v.document, v.hash, v.title, v.language, v.extractor, v.owner, d.uri, v.access, v.pages,
    v.modified_at, v.seen_at, v.brought_by, v.state, v.approved_by, v.approved_at
  FROM version v JOIN document d ON d.no = v.document;
-- A number is never given twice: indexes may still hold chunks of versions that are gone.
DELETE FROM sqlite_sequence WHERE name = 'version_anew';
INSERT INTO sqlite_sequence (name, seq)
  SELECT 'version_anew', seq FROM sqlite_sequence WHERE name = 'version';
DROP TABLE version;
ALTER TABLE version_anew RENAME TO version;
CREATE INDEX version_document ON version (document, hash);
-- The bytes that somebody refused, for the question whether a source may approve them by itself.
CREATE INDEX version_refused ON version (hash) WHERE state IN ('rejected', 'withdrawn');

ALTER TABLE document DROP COLUMN uri;
