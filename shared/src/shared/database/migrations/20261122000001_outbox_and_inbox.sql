-- migrate:up

-- Events written in the transaction of the change they tell of; the relay publishes and marks them.
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id     uuid NOT NULL CONSTRAINT outbox_event_id_key UNIQUE,
    name         text NOT NULL,
    record       jsonb NOT NULL,
    changes      jsonb,
    snapshot     jsonb,
    -- Parts of the record that must not lie readable in a table (tokens); sealed, gone once published.
    sealed       bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);

CREATE INDEX outbox_unpublished_idx ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX outbox_published_idx ON outbox (published_at) WHERE published_at IS NOT NULL;

-- Events this service has already reacted to.
CREATE TABLE inbox (
    event_id    uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX inbox_received_at_idx ON inbox (received_at);

-- migrate:down
-- Forward only: what is wrong is mended by the next migration.
