-- migrate:up

-- Audiences for which a client may exchange tokens that it was sent.
ALTER TABLE clients ADD COLUMN exchange_resources text[] NOT NULL DEFAULT '{}';

-- A grant that came of a token of another one ends with it.
ALTER TABLE grants ADD COLUMN parent_id uuid REFERENCES grants ON DELETE CASCADE;
CREATE INDEX grants_parent_id_idx ON grants (parent_id) WHERE parent_id IS NOT NULL;

-- migrate:down
-- Forward only.
