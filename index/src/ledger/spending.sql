-- Seventh form: what language models counted for each reader, by day, so that a limit holds over a restart.
CREATE TABLE spending (
  user   TEXT NOT NULL,
  day    INTEGER NOT NULL, -- since 1970, in UTC
  tokens INTEGER NOT NULL,
  PRIMARY KEY (user, day)
) STRICT, WITHOUT ROWID;
