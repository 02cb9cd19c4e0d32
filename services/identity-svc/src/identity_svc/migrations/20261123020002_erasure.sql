-- migrate:up

-- Since when a user's state is `deleted`, without a gap. A trigger keeps it, whoever changes states:
-- a state that changed back and forth must not look as if it had lasted.
ALTER TABLE users ADD COLUMN deleted_at timestamptz;

UPDATE users SET deleted_at = updated_at WHERE state = 'deleted';

CREATE FUNCTION note_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.deleted_at := CASE WHEN NEW.state = 'deleted' THEN coalesce(OLD.deleted_at, now()) END;
    RETURN NEW;
END
$$;

CREATE TRIGGER users_note_deletion BEFORE INSERT OR UPDATE OF state ON users
FOR EACH ROW EXECUTE FUNCTION note_deletion();

CREATE INDEX users_deleted_at_idx ON users (deleted_at) WHERE deleted_at IS NOT NULL;

-- Uids of users who were erased: nobody gets one of them again, neither by chance nor by an import.
CREATE TABLE erased_users (
    uid       text PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
-- Forward only.
