-- migrate:up

-- When the second factor was enabled, and the session in which its secret was made; NULL where nobody knows.
ALTER TABLE second_factors
    ADD COLUMN enabled_at timestamptz,
    ADD COLUMN created_in uuid;

UPDATE second_factors SET enabled_at = created_at WHERE enabled;

-- migrate:down
-- Forward only.
