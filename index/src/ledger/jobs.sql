-- Fourth form: a job that met a passing shortage is tried again, not before this time, each time later.
ALTER TABLE job ADD COLUMN not_before INTEGER;
ALTER TABLE job ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
