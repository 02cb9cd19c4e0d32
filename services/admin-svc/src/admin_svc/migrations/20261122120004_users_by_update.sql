-- migrate:up

-- A list of users by the time of their last change is also in that order, which the index carries:
-- in the order of creation, the newest changes would be found at the end of a walk through the table.
DROP INDEX users_updated_at_idx;
CREATE INDEX users_updated_at_idx ON users (updated_at, uid);

-- migrate:down
-- Forward only.
