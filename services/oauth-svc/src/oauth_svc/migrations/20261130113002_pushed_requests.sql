-- migrate:up

-- Authorization requests that clients pushed, by the digest of their reference.
CREATE TABLE pushed_requests (
    digest     bytea PRIMARY KEY,
    client_id  text NOT NULL REFERENCES clients ON DELETE CASCADE,
    request    jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX pushed_requests_client_id_idx ON pushed_requests (client_id, created_at);
CREATE INDEX pushed_requests_expires_at_idx ON pushed_requests (expires_at);

-- migrate:down
-- Forward only.
