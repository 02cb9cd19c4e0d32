-- migrate:up

CREATE TABLE clients (
    client_id                 text PRIMARY KEY,
    name                      text NOT NULL,
    -- none, client_secret_basic, client_secret_post or private_key_jwt.
    authentication            text NOT NULL,
    redirect_uris             text[] NOT NULL,
    post_logout_redirect_uris text[] NOT NULL,
    grant_types               text[] NOT NULL,
    scopes                    text[] NOT NULL,
    -- Audiences that tokens may be asked for, besides the gateway.
    resources                 text[] NOT NULL,
    first_party               boolean NOT NULL,
    jwks                      jsonb,
    backchannel_logout_uri    text,
    access_token_seconds      integer NOT NULL,
    refresh_token_seconds     integer NOT NULL,
    -- SHA-256. The previous secret is accepted, too, until it ends.
    secret                    bytea,
    previous_secret           bytea,
    previous_ends_at          timestamptz,
    created_at                timestamptz NOT NULL DEFAULT now(),
    updated_at                timestamptz NOT NULL DEFAULT now()
);

-- Ids of assertions by which clients authenticated: each is accepted once.
CREATE TABLE assertions (
    client_id  text NOT NULL REFERENCES clients ON DELETE CASCADE,
    jti        bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, jti)
);
CREATE INDEX assertions_expires_at_idx ON assertions (expires_at);

-- Authorization requests that wait for a log-in or a consent, by the digest of their challenge.
CREATE TABLE challenges (
    digest       bytea PRIMARY KEY,
    client_id    text NOT NULL REFERENCES clients ON DELETE CASCADE,
    request      jsonb NOT NULL,
    -- The time of the log-in that the request found.
    seen         timestamptz,
    -- The session that consented to all that is asked.
    consented_by text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX challenges_expires_at_idx ON challenges (expires_at);

-- What a user, or a machine, has authorized: the family of all tokens that come of it.
CREATE TABLE grants (
    id         uuid PRIMARY KEY,
    client_id  text NOT NULL REFERENCES clients ON DELETE CASCADE,
    -- Null for a machine.
    uid        text,
    sid        text,
    scopes     text[] NOT NULL,
    resources  text[] NOT NULL,
    auth_time  timestamptz,
    acr        text,
    amr        text[] NOT NULL,
    nonce      text,
    -- Claims that were asked for by name.
    claims     jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX grants_uid_idx ON grants (uid) WHERE uid IS NOT NULL;
CREATE INDEX grants_client_id_idx ON grants (client_id);
CREATE INDEX grants_expires_at_idx ON grants (expires_at);

CREATE TABLE codes (
    digest         bytea PRIMARY KEY,
    grant_id       uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
    client_id      text NOT NULL,
    redirect_uri   text,
    code_challenge text,
    expires_at     timestamptz NOT NULL,
    used_at        timestamptz
);
CREATE INDEX codes_grant_id_idx ON codes (grant_id);

CREATE TABLE refresh_tokens (
    digest     bytea PRIMARY KEY,
    grant_id   uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_grant_id_idx ON refresh_tokens (grant_id);

CREATE TABLE consents (
    uid        text NOT NULL,
    client_id  text NOT NULL REFERENCES clients ON DELETE CASCADE,
    scopes     text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (uid, client_id)
);
CREATE INDEX consents_client_id_idx ON consents (client_id);

-- Back-channel log-outs that clients have to be told.
CREATE TABLE logouts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id  text NOT NULL REFERENCES clients ON DELETE CASCADE,
    uid        text NOT NULL,
    sid        text NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT logouts_once_key UNIQUE (client_id, sid)
);
CREATE INDEX logouts_next_at_idx ON logouts (next_at);

-- migrate:down
-- Forward only.
