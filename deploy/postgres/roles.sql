-- The roles and schemas of the services: each role can touch its own schema, and nothing else.
-- psql reads the passwords from its environment; applied again, this changes only passwords.
\set ON_ERROR_STOP on
\getenv identity_password IDENTITY_DATABASE_PASSWORD
\getenv resource_password RESOURCE_DATABASE_PASSWORD
\getenv admin_password ADMIN_DATABASE_PASSWORD
\getenv mailer_password MAILER_DATABASE_PASSWORD
\getenv webhooks_password WEBHOOKS_DATABASE_PASSWORD
\getenv oauth_password OAUTH_DATABASE_PASSWORD

SELECT format('CREATE ROLE %I', role)
FROM unnest(ARRAY[
    'barong_identity', 'barong_resource', 'barong_admin', 'barong_mailer', 'barong_webhooks',
    'barong_oauth'
]) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec

ALTER ROLE barong_identity LOGIN PASSWORD :'identity_password';
ALTER ROLE barong_resource LOGIN PASSWORD :'resource_password';
ALTER ROLE barong_admin LOGIN PASSWORD :'admin_password';
ALTER ROLE barong_mailer LOGIN PASSWORD :'mailer_password';
ALTER ROLE barong_webhooks LOGIN PASSWORD :'webhooks_password';
ALTER ROLE barong_oauth LOGIN PASSWORD :'oauth_password';

-- What everybody may do in a new database, these roles may not.
REVOKE ALL ON DATABASE :DBNAME FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE :DBNAME TO barong_identity, barong_resource, barong_admin, barong_mailer,
    barong_webhooks, barong_oauth;

CREATE SCHEMA IF NOT EXISTS identity AUTHORIZATION barong_identity;
CREATE SCHEMA IF NOT EXISTS resource AUTHORIZATION barong_resource;
CREATE SCHEMA IF NOT EXISTS admin AUTHORIZATION barong_admin;
CREATE SCHEMA IF NOT EXISTS mailer AUTHORIZATION barong_mailer;
CREATE SCHEMA IF NOT EXISTS webhooks AUTHORIZATION barong_webhooks;
CREATE SCHEMA IF NOT EXISTS oauth AUTHORIZATION barong_oauth;

-- The directory's search stands on it, and a service's role may create nothing in the database.
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA admin;
