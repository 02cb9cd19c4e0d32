-- migrate:up

-- What administrators changed, as a chain: each entry's hash covers its predecessor's. `id` counts
-- without gaps. What there is to say of the change lies in audit_payloads, of which an entry has a
-- commitment only, so that an erasure may delete it and the chain still holds.
CREATE TABLE audit_entries (
    id            bigint PRIMARY KEY,
    at            timestamptz NOT NULL,
    kind          text NOT NULL
                  CONSTRAINT audit_entries_kind_check
                  CHECK (kind IN ('change', 'intent', 'outcome', 'erasure')),
    action        text NOT NULL,
    author_uid    text,
    author_role   text NOT NULL,
    target_uid    text,
    intent_id     bigint,
    result        text
                  CONSTRAINT audit_entries_result_check
                  CHECK (result IN ('done', 'refused', 'unknown')),
    commitment    bytea,
    previous_hash bytea NOT NULL,
    hash          bytea NOT NULL,
    CONSTRAINT audit_entries_outcome_check
        CHECK ((kind = 'outcome') = (intent_id IS NOT NULL AND result IS NOT NULL))
);

CREATE INDEX audit_entries_target_idx ON audit_entries (target_uid) WHERE target_uid IS NOT NULL;
CREATE INDEX audit_entries_intents_idx ON audit_entries (id) WHERE kind = 'intent';
CREATE UNIQUE INDEX audit_entries_outcome_key ON audit_entries (intent_id) WHERE kind = 'outcome';

-- No foreign key: its check would lock the entry's row, which takes a right that nobody has.
CREATE TABLE audit_payloads (
    entry_id bigint PRIMARY KEY,
    salt     bytea NOT NULL,
    payload  text NOT NULL
);

-- Append-only, twice: a role that were given the rights back would still meet the triggers.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries FROM PUBLIC, CURRENT_USER;
REVOKE UPDATE, TRUNCATE ON audit_payloads FROM PUBLIC, CURRENT_USER;

CREATE FUNCTION refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_entries_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER audit_payloads_append_only
BEFORE UPDATE OR TRUNCATE ON audit_payloads
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- migrate:down
-- Forward only.
