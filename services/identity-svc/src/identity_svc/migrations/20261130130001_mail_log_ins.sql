-- migrate:up

-- Mails with a link and a code for a log-in that were asked for and not used yet. Unlogged: they live
-- for minutes, and after a crash the user asks anew.
CREATE UNLOGGED TABLE mail_log_ins (
    -- That of the mail token, which is in mail_tokens while the mail works.
    id              uuid PRIMARY KEY,
    -- Whose mail it is; NULL where none was sent. Who asks cannot tell which it is.
    uid             text REFERENCES users (uid) ON DELETE CASCADE,
    -- SHA-256 of the cookie of the browser that asked, and of the token of the link.
    browser         bytea NOT NULL,
    link            bytea NOT NULL CONSTRAINT mail_log_ins_link_key UNIQUE,
    -- SHA-256 of the cookie with the code, and of the token with the code.
    code_in_browser bytea NOT NULL,
    code_with_link  bytea NOT NULL,
    -- Codes that were tried and were wrong.
    tries           integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL
);

CREATE INDEX mail_log_ins_browser_idx ON mail_log_ins (browser);
CREATE INDEX mail_log_ins_uid_idx ON mail_log_ins (uid);
CREATE INDEX mail_log_ins_expires_at_idx ON mail_log_ins (expires_at);

-- migrate:down
-- Forward only.
