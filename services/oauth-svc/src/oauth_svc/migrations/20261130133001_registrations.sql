-- migrate:up

ALTER TABLE clients
    -- administrator, initial_access_token or metadata_document.
    ADD COLUMN registered_by text NOT NULL DEFAULT 'administrator',
    -- SHA-256 of the tokens with which a client registered itself, and with which it is changed.
    ADD COLUMN initial_token bytea,
    ADD COLUMN registration_token bytea;

-- Each initial access token registers a limited number of clients.
CREATE INDEX clients_initial_token_idx ON clients (initial_token) WHERE initial_token IS NOT NULL;

-- migrate:down
-- Forward only.
