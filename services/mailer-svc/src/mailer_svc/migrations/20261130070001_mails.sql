-- migrate:up

-- What became of each mail of each event. A row is written in the transaction that sends the mail:
-- others see it once the mail is sent, and wait for it, or for its end, until then.
CREATE TABLE mails (
    event_id   uuid NOT NULL,
    mail       text NOT NULL,
    -- claimed is never committed: the transaction ends as one of the others, or leaves no row.
    state      text NOT NULL DEFAULT 'claimed'
        CONSTRAINT mails_state_check CHECK (state IN ('claimed', 'sent', 'refused', 'limited')),
    -- A keyed digest of recipient and mail, by which mails are counted; gone after a day.
    recipient  bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, mail)
);

CREATE INDEX mails_recipient_idx ON mails (recipient, created_at) WHERE recipient IS NOT NULL;
CREATE INDEX mails_created_at_idx ON mails (created_at);

-- migrate:down
-- Forward only.
