-- migrate:up

-- From where accounts were used, so that a log-in from a new device or network is known as one.
CREATE TABLE session_origins (
    uid     text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    -- A digest of the User-Agent without versions.
    device  bytea NOT NULL,
    -- IPv4 /16, IPv6 /64, as sessions are bound to it.
    network cidr NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (uid, device, network)
);

CREATE INDEX session_origins_seen_at_idx ON session_origins (seen_at);

-- migrate:down
-- Forward only.
