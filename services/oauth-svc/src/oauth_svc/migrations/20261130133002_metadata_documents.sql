-- migrate:up

-- A client whose id is the URL of its metadata document is stored as long as the document counts,
-- and as long as somebody has tokens of it.
ALTER TABLE clients
    -- What stands for the URL in paths of the API: its SHA-256, in hex.
    ADD COLUMN document_key text,
    ADD COLUMN document_fetched_at timestamptz,
    ADD COLUMN document_ends_at timestamptz;

CREATE UNIQUE INDEX clients_document_key_idx ON clients (document_key);
CREATE INDEX clients_document_fetched_at_idx ON clients (document_fetched_at)
    WHERE document_fetched_at IS NOT NULL;

-- migrate:down
-- Forward only.
