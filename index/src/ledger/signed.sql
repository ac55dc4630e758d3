-- What proves the key with which a browser signed in: the key's hash, or for the first administrator's key,
-- which the ledger does not know, the hash of cookie and key together. NULL: a sign-in through a provider, or a
-- token. The user is empty where the key stands for nobody.
ALTER TABLE session ADD COLUMN proof TEXT;
