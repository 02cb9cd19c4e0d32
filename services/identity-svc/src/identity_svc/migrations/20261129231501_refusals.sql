-- migrate:up

-- The state by which an administrator keeps a user out, apart from what labels say. NULL: none does.
-- `state` is the stricter of both. Not validated: no row has a value yet.
ALTER TABLE users
    ADD COLUMN refusal text,
    ADD CONSTRAINT users_refusal_check CHECK (refusal IN ('locked', 'banned', 'deleted')) NOT VALID;

-- Whoever is refused cannot act, whatever writes the state. Releases before this one do not know
-- the column: while they still run, their changes of labels cannot lift a refusal, and to lift it
-- takes an administrator's call to this release.
CREATE FUNCTION keep_refusal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.refusal IS NOT NULL AND NEW.state IN ('active', 'pending') THEN
        NEW.state := NEW.refusal;
    END IF;
    RETURN NEW;
END
$$;

-- Before users_note_deletion, by its name: that one looks at the state as it will be.
CREATE TRIGGER users_keep_refusal BEFORE INSERT OR UPDATE OF state, refusal ON users
FOR EACH ROW EXECUTE FUNCTION keep_refusal();

-- Whether another superadmin is left is asked before one of them goes.
CREATE INDEX users_superadmins_idx ON users (state, uid) WHERE role = 'superadmin';

-- migrate:down
-- Forward only.
