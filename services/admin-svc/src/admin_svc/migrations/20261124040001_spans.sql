-- migrate:up

-- What a span of time is combined with most is told by its index: users of other standing are passed
-- over without being read.
DROP INDEX users_created_at_idx;
DROP INDEX users_updated_at_idx;
CREATE INDEX users_created_at_idx ON users (created_at, uid, role, state, level);
CREATE INDEX users_updated_at_idx ON users (updated_at, uid, role, state, level);

-- migrate:down
-- Forward only.
