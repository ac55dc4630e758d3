-- Fifth form: what each folder of a source says about who may read, so that one that lets in more people
-- can wait for a second person.
CREATE TABLE folder (
  source TEXT NOT NULL REFERENCES source ON DELETE CASCADE,
  path   TEXT NOT NULL, -- inside the source; the source's own folder is ''
  said   TEXT,          -- the layer of its `.access.toml` as the last sync saw it, `null` for none
  agreed TEXT,          -- the layers that stay in force beside it, while it is not agreed to
  PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;

-- What was in force until now is what the first sync compares with: each folder that holds documents
-- takes their layers, and nothing is known of what it says itself.
INSERT INTO folder (source, path, agreed)
  SELECT d.source, rtrim(rtrim(d.path, replace(d.path, '/', '')), '/') AS folder, max(d.place_layers)
  FROM document d JOIN source s ON s.id = d.source
  WHERE s.spec ->> 'kind' = 'folder' AND d.newest IS NOT NULL AND d.place_layers <> '[]'
  GROUP BY d.source, folder;
