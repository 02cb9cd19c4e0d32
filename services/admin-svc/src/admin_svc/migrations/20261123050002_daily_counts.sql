-- migrate:up

-- What was told of a day (UTC), counted in the transaction that keeps it. Whoever counts takes the
-- slot of his connection, so that instances do not wait for each other.
CREATE TABLE daily_counts (
    day    date NOT NULL,
    metric text NOT NULL
           CONSTRAINT daily_counts_metric_check
           CHECK (metric IN ('signups', 'successful_logins', 'failed_logins')),
    slot   smallint NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT daily_counts_pkey PRIMARY KEY (day, metric, slot)
);

-- migrate:down
-- Forward only.
