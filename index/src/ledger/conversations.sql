-- Sixth form: conversations. A turn keeps what was let out, sentence by sentence, with the versions
-- that each rests on; titles, quotes and addresses are read from those versions when they are shown.
CREATE TABLE conversation (
  id    TEXT PRIMARY KEY,
  user  TEXT NOT NULL,
  begun INTEGER NOT NULL,
  last  INTEGER NOT NULL
) STRICT;
CREATE INDEX conversation_user ON conversation (user, last);
CREATE INDEX conversation_last ON conversation (last);

CREATE TABLE turn (
  no           INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation TEXT NOT NULL REFERENCES conversation ON DELETE CASCADE,
  answer       TEXT NOT NULL,
  at           INTEGER NOT NULL,
  question     TEXT NOT NULL,
  outcome      TEXT NOT NULL,
  said         INTEGER NOT NULL             -- how many sentences there were
) STRICT;
CREATE INDEX turn_conversation ON turn (conversation, no);

CREATE TABLE turn_sentence (
  turn  INTEGER NOT NULL REFERENCES turn ON DELETE CASCADE,
  place INTEGER NOT NULL,
  text  TEXT NOT NULL,
  PRIMARY KEY (turn, place)
) STRICT;

CREATE TABLE turn_citation (
  turn    INTEGER NOT NULL,
  place   INTEGER NOT NULL,
  number  INTEGER NOT NULL,
  version INTEGER NOT NULL,
  start   INTEGER NOT NULL,
  stop    INTEGER NOT NULL,
  page    INTEGER,
  heading TEXT NOT NULL,
  PRIMARY KEY (turn, place, number),
  FOREIGN KEY (turn, place) REFERENCES turn_sentence ON DELETE CASCADE
) STRICT;
CREATE INDEX turn_citation_version ON turn_citation (version);
