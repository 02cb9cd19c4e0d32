-- migrate:up

-- How and when the user of a session was authenticated last. A session of an earlier release counts
-- as opened with a password alone, when it began: nothing is claimed that is not known.
ALTER TABLE sessions
    ADD COLUMN amr text[] NOT NULL DEFAULT '{pwd}',
    ADD COLUMN acr text NOT NULL DEFAULT 'aal1',
    ADD COLUMN auth_time timestamptz NOT NULL DEFAULT now();

UPDATE sessions SET auth_time = created_at;

-- migrate:down
-- Forward only.
