-- migrate:up

-- The span in which the event was written, as a W3C traceparent, so that the event continues the
-- trace of its call. Null where traces are not recorded.
ALTER TABLE outbox ADD COLUMN traceparent text;

-- migrate:down
-- Forward only.
