-- migrate:up

-- What a span of time is combined with most is told by its index: users of other standing are passed
-- over without being read. Readers have to wait for what drops an index, so that comes last.
CREATE INDEX users_created_at_new_idx ON users (created_at, uid, role, state, level);
CREATE INDEX users_updated_at_new_idx ON users (updated_at, uid, role, state, level);

DROP INDEX users_created_at_idx;
DROP INDEX users_updated_at_idx;

ALTER INDEX users_created_at_new_idx RENAME TO users_created_at_idx;
ALTER INDEX users_updated_at_new_idx RENAME TO users_updated_at_idx;

-- migrate:down
-- Forward only.
