-- migrate:up

-- Published events, without their secrets. The statement that marks events as published moves them
-- here from the outbox. Partitioned by month of `published_at` (UTC): the service makes months ahead,
-- and drops those that are older than BARONG_EVENTS_KEEP_DAYS.
CREATE TABLE events (
    -- The position in the outbox: the order in which the events were written.
    id           bigint NOT NULL,
    event_id     uuid NOT NULL,
    name         text NOT NULL,
    -- Whom the event is about, and whom an administrator acted on.
    uid          text,
    target_uid   text,
    record       jsonb NOT NULL,
    changes      jsonb,
    snapshot     jsonb,
    -- Whether parts of the record were secrets, which are gone.
    had_secrets  boolean NOT NULL,
    created_at   timestamptz NOT NULL,
    published_at timestamptz NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (published_at, id)
) PARTITION BY RANGE (published_at);

CREATE INDEX events_name_idx ON events (name, published_at, id);
CREATE INDEX events_uid_idx ON events (uid, published_at, id) WHERE uid IS NOT NULL;
CREATE INDEX events_target_uid_idx ON events (target_uid, published_at, id) WHERE target_uid IS NOT NULL;

-- Users whose events are not archived: they are erased.
CREATE TABLE events_erased_users (
    uid text PRIMARY KEY
);

-- Archived events that are published again, to one queue. `next_at` is when the next of them are due.
CREATE TABLE event_replays (
    id           uuid PRIMARY KEY,
    queue        text NOT NULL,
    filter       jsonb NOT NULL,
    state        text NOT NULL DEFAULT 'running',
    reason       text,
    replayed     bigint NOT NULL DEFAULT 0,
    reached_at   timestamptz,
    reached_id   bigint,
    next_at      timestamptz NOT NULL DEFAULT now(),
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_replays_state_check CHECK (state IN ('running', 'done', 'failed', 'cancelled'))
);

CREATE INDEX event_replays_running_idx ON event_replays (next_at) WHERE state = 'running';
CREATE INDEX event_replays_created_at_idx ON event_replays (created_at);

-- migrate:down
-- Forward only.
