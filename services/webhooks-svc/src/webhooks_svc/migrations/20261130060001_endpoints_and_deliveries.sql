-- migrate:up

CREATE TABLE endpoints (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url                text NOT NULL,
    description        text NOT NULL,
    -- Names of events, or their beginnings before `*`.
    events             text[] NOT NULL,
    state              text NOT NULL CHECK (state IN ('active', 'disabled')),
    -- Why the service disabled it; null when an administrator did.
    disabled_reason    text,
    -- Sealed. The previous secret signs, too, until it ends.
    secret             bytea NOT NULL,
    previous_secret    bytea,
    previous_ends_at   timestamptz,
    -- Since when no delivery has succeeded, while deliveries fail.
    failing_since      timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE deliveries (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id bigint NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    event_id    uuid NOT NULL,
    name        text NOT NULL,
    -- Whom the event is about, so that what is left of an erased user is found.
    uid         text,
    -- The body, byte for byte as it is signed.
    payload     text NOT NULL,
    state       text NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,
    -- When it is sent next; while it is being sent, when it is sent again if the sender dies.
    next_at     timestamptz NOT NULL DEFAULT now(),
    -- What the last attempt got: a status and the beginning of the answer, or an error.
    status      integer,
    answer      text,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    CONSTRAINT deliveries_once_key UNIQUE (endpoint_id, event_id)
);

CREATE INDEX deliveries_due_idx ON deliveries (endpoint_id, next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_uid_idx ON deliveries (uid) WHERE uid IS NOT NULL;
CREATE INDEX deliveries_ended_at_idx ON deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- migrate:down
-- Forward only.
