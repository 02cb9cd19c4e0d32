-- migrate:up

-- Who did what. Partitioned by month of `created_at` (UTC): months are made ahead by the service, and
-- dropped by `python -m admin_svc partitions` once they are older than what is to be kept.
--
-- `id` comes with the activity, so that it is kept once; `number` is what the API calls it, in no
-- certain order and with gaps. It comes from a sequence, since identity columns of partitioned tables
-- need PostgreSQL 17.
CREATE SEQUENCE activities_number_seq;

CREATE TABLE activities (
    id         uuid NOT NULL,
    number     bigint NOT NULL DEFAULT nextval('activities_number_seq'),
    created_at timestamptz NOT NULL,
    category   text NOT NULL,
    uid        text NOT NULL,
    target_uid text,
    topic      text NOT NULL,
    action     text NOT NULL,
    result     text NOT NULL,
    user_ip    text NOT NULL,
    user_agent text NOT NULL,
    data       text,
    -- One activity may be told of twice; the key of the partitions has to be part of it.
    CONSTRAINT activities_pkey PRIMARY KEY (id, created_at),
    CONSTRAINT activities_category_check CHECK (category IN ('user', 'admin')),
    CONSTRAINT activities_result_check CHECK (result IN ('succeed', 'failed', 'denied'))
) PARTITION BY RANGE (created_at);

ALTER SEQUENCE activities_number_seq OWNED BY activities.number;

-- Each filter's index carries the order of the list; pages and counts are read from it alone.
CREATE INDEX activities_created_at_idx ON activities (category, created_at, id);
CREATE INDEX activities_topic_idx ON activities (category, topic, created_at, id);
CREATE INDEX activities_action_idx ON activities (category, action, created_at, id) INCLUDE (result);
CREATE INDEX activities_uid_idx ON activities (category, uid, created_at, id);
CREATE INDEX activities_target_uid_idx ON activities (category, target_uid, created_at, id)
WHERE target_uid IS NOT NULL;

-- migrate:down
-- Forward only.
