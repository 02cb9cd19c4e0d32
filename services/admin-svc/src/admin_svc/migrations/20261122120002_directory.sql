-- migrate:up

-- Users as identity-svc tells of them; the row with the greatest version is the newest.
CREATE TABLE users (
    uid          text PRIMARY KEY,
    version      bigint NOT NULL,
    email        text NOT NULL,
    role         text NOT NULL,
    level        integer NOT NULL,
    otp          boolean NOT NULL,
    state        text NOT NULL,
    referral_uid text,
    data         text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);

-- Each filter's index also carries the order of the list. The e-mail's is not unique: identity-svc
-- sees to that, and an address that moved from one user to another may arrive here out of order.
CREATE INDEX users_created_at_idx ON users (created_at, uid);
CREATE INDEX users_updated_at_idx ON users (updated_at);
CREATE INDEX users_email_idx ON users (lower(email));
CREATE INDEX users_role_idx ON users (role, created_at, uid);
CREATE INDEX users_state_idx ON users (state, created_at, uid);
CREATE INDEX users_level_idx ON users (level, created_at, uid);

-- migrate:down
-- Forward only.
