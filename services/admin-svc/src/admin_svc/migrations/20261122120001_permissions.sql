-- migrate:up

CREATE TABLE permissions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role       text NOT NULL,
    verb       text NOT NULL,
    path       text NOT NULL,
    action     text NOT NULL,
    topic      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT permissions_rule_key UNIQUE (role, verb, path, action),
    CONSTRAINT permissions_verb_check
        CHECK (verb IN ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'ALL')),
    CONSTRAINT permissions_action_check CHECK (action IN ('ACCEPT', 'DROP', 'AUDIT'))
);

-- Whoever changes permissions locks this row first: changes happen one after the other, and their
-- versions tell gateways which policy is the newer one.
CREATE TABLE policy_version (
    singleton boolean PRIMARY KEY DEFAULT true
        CONSTRAINT policy_version_singleton_check CHECK (singleton),
    version   bigint NOT NULL
);

INSERT INTO policy_version (version) VALUES (0);

-- migrate:down
-- Forward only.
