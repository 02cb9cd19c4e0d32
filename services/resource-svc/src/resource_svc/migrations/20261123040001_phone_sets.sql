-- migrate:up

-- One row for the phones of a user: its lock serialises their changes, its version counts them.
CREATE TABLE phone_sets (
    uid     text PRIMARY KEY,
    version bigint NOT NULL
);

INSERT INTO phone_sets (uid, version)
SELECT DISTINCT uid, 1
FROM phones;

-- migrate:down
-- Forward only.
