-- migrate:up

-- Published events by whom they are about, so that those of a user who is erased are found.
CREATE INDEX outbox_user_idx ON outbox (coalesce(record -> 'user' ->> 'uid', record ->> 'uid'))
WHERE published_at IS NOT NULL AND coalesce(record -> 'user' ->> 'uid', record ->> 'uid') IS NOT NULL;

-- What administrators did to users names them so.
CREATE INDEX outbox_target_idx ON outbox ((record ->> 'target_uid'))
WHERE published_at IS NOT NULL AND record ->> 'target_uid' IS NOT NULL;

-- migrate:down
-- Forward only.
