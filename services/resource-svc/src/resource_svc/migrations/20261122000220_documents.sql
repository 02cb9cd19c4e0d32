-- migrate:up

-- One row for the documents of a user: its lock serialises their changes, its version counts them.
CREATE TABLE document_sets (
    uid     text PRIMARY KEY,
    version bigint NOT NULL
);

CREATE TABLE documents (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid        text NOT NULL CONSTRAINT documents_uid_fkey REFERENCES document_sets (uid),
    -- The object's key in the storage.
    upload     text NOT NULL CONSTRAINT documents_upload_key UNIQUE,
    doc_type   text NOT NULL,
    doc_number text NOT NULL,
    doc_expire date,
    metadata   text,
    version    bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX documents_uid_idx ON documents (uid);

-- Objects that are written, or may be, and belong to no document yet. Each is noted here before its
-- first byte is stored; what stays here is swept.
CREATE TABLE pending_uploads (
    key        text PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
-- Forward only.
