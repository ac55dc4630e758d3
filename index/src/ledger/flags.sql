-- Places of a version that look like instructions to a language model; none where it has
-- none. It decides nothing.
ALTER TABLE version ADD COLUMN flags TEXT;
