-- What Slack sent and what became of it, so that each message is answered at most once.
CREATE TABLE slack_event (
  id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  thread TEXT NOT NULL,
  -- The message's own time in its channel; empty where there is no message.
  ts TEXT NOT NULL,
  user TEXT NOT NULL,
  state TEXT NOT NULL,
  -- What is needed to go on after a crash. Gone once it is done.
  task TEXT,
  at INTEGER NOT NULL
) STRICT;
-- One message may come as several events: a mention in a thread is a message as well.
CREATE UNIQUE INDEX slack_message ON slack_event (channel, ts) WHERE ts <> '';
CREATE INDEX slack_thread ON slack_event (channel, thread, user);
CREATE INDEX slack_open ON slack_event (at) WHERE state <> 'done';
