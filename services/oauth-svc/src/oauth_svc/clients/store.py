"""The tables of clients and of their assertions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from oauth_svc.clients.models import OVERLAP, ClientNotFound, RegisteredClient, Registration
from oauth_svc.protocol.client import Client
from shared.database.pool import Connection

_ADVISORY_LOCK = "oauth.clients"
_WRITTEN = (
    *("name", "authentication", "redirect_uris", "post_logout_redirect_uris", "grant_types"),
    *("scopes", "resources", "first_party", "jwks", "backchannel_logout_uri"),
    *("access_token_seconds", "refresh_token_seconds", "exchange_resources"),
    *("dpop_bound_access_tokens", "jwks_uri"),
)


async def count_to_add(connection: Connection, *, documents: bool = False) -> int:
    """The number of clients with metadata documents, or of all others.

    Until the end of the transaction, nobody else adds one.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", _ADVISORY_LOCK)
    count: int = await connection.fetchval(
        "SELECT count(*) FROM clients WHERE (document_key IS NOT NULL) = $1", documents
    )
    return count


async def upsert_document(connection: Connection, client: Client, seconds: int) -> RegisteredClient:
    """Stores a client as its metadata document describes it, which counts for so many seconds."""
    columns = ", ".join(_WRITTEN)
    places = ", ".join(f"${number}" for number in range(5, 5 + len(_WRITTEN)))
    settings = ", ".join(f"{name} = excluded.{name}" for name in _WRITTEN)
    row = await connection.fetchrow(
        f"""
        INSERT INTO clients (
            client_id, registered_by, document_key, document_fetched_at, document_ends_at, {columns}
        )
        VALUES ($1, $2, $3, now(), now() + $4::interval, {places})
        ON CONFLICT (client_id) DO UPDATE
        SET {settings},
            document_fetched_at = excluded.document_fetched_at,
            document_ends_at = excluded.document_ends_at,
            updated_at = now()
        RETURNING *
        """,
        client.client_id,
        client.registered_by,
        client.reference,
        timedelta(seconds=seconds),
        *_values(client),
    )
    return _registered(row)


async def delete_oldest_document(connection: Connection) -> bool:
    """Deletes the client whose document was fetched longest ago; whether there was one to delete.

    None of those of the last minute, whose requests may be under way, and none with tokens.
    """
    status = await connection.execute(
        """
        DELETE FROM clients
        WHERE client_id = (
            SELECT client_id
            FROM clients
            WHERE document_fetched_at < now() - interval '1 minute'
              AND NOT EXISTS (
                  SELECT FROM grants
                  WHERE grants.client_id = clients.client_id
                    AND expires_at > now()
                    AND revoked_at IS NULL
              )
            ORDER BY document_fetched_at
            LIMIT 1
        )
        """
    )
    return status == "DELETE 1"


async def id_of(connection: Connection, reference: str) -> str:
    """The id of the client that a path means; the reference itself for all but documents."""
    found: str | None = await connection.fetchval(
        "SELECT client_id FROM clients WHERE document_key = $1", reference
    )
    return reference if found is None else found


async def count_registered_with(connection: Connection, initial_token: bytes) -> int:
    """The number of clients that were registered with an initial access token."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM clients WHERE initial_token = $1", initial_token
    )
    return count


async def insert(
    connection: Connection,
    client: Client,
    secret: bytes | None,
    registration: Registration | None,
) -> RegisteredClient:
    """Adds a client; `secret` is a digest."""
    columns = ", ".join(_WRITTEN)
    places = ", ".join(f"${number}" for number in range(6, 6 + len(_WRITTEN)))
    row = await connection.fetchrow(
        f"""
        INSERT INTO clients (
            client_id, secret, registered_by, initial_token, registration_token, {columns}
        )
        VALUES ($1, $2, $3, $4, $5, {places})
        RETURNING *
        """,
        client.client_id,
        secret,
        client.registered_by,
        None if registration is None else registration.initial_token,
        None if registration is None else registration.access_token,
        *_values(client),
    )
    return _registered(row)


async def update(connection: Connection, client: Client) -> RegisteredClient:
    """Sets what an administrator writes; a client that needs no secret any more loses it."""
    settings = ", ".join(f"{name} = ${number}" for number, name in enumerate(_WRITTEN, 2))
    row = await connection.fetchrow(
        f"""
        UPDATE clients
        SET {settings}, updated_at = now(),
            secret = CASE WHEN $3 LIKE 'client_secret_%' THEN secret END,
            previous_secret = CASE WHEN $3 LIKE 'client_secret_%' THEN previous_secret END
        WHERE client_id = $1
        RETURNING *
        """,
        client.client_id,
        *_values(client),
    )
    return _registered(row)


async def find(
    connection: Connection, client_id: str, *, for_update: bool = False
) -> RegisteredClient | None:
    """The client; None without one."""
    lock = "FOR UPDATE" if for_update else ""
    row = await connection.fetchrow(f"SELECT * FROM clients WHERE client_id = $1 {lock}", client_id)
    return None if row is None else _registered(row)


async def find_all(
    connection: Connection, client_ids: Sequence[str]
) -> Mapping[str, RegisteredClient]:
    """Those of these clients that exist, by id."""
    rows = await connection.fetch(
        "SELECT * FROM clients WHERE client_id = ANY ($1::text[])", client_ids
    )
    return {row["client_id"]: _registered(row) for row in rows}


async def get(
    connection: Connection, client_id: str, *, for_update: bool = False
) -> RegisteredClient:
    """The client; raises `ClientNotFound`."""
    found = await find(connection, client_id, for_update=for_update)
    if found is None:
        raise ClientNotFound
    return found


async def select_page(
    connection: Connection, limit: int, offset: int
) -> tuple[list[RegisteredClient], int]:
    """One page of clients, the oldest first, and the number of all."""
    rows = await connection.fetch(
        """
        SELECT *
        FROM clients
        ORDER BY created_at, client_id
        LIMIT $1
        OFFSET $2
        """,
        limit,
        offset,
    )
    total: int = await connection.fetchval("SELECT count(*) FROM clients")
    return [_registered(row) for row in rows], total


async def rotate(connection: Connection, client_id: str, secret: bytes) -> RegisteredClient:
    """Sets another secret; the one before it is accepted, too, for `OVERLAP`."""
    row = await connection.fetchrow(
        """
        UPDATE clients
        SET previous_secret = secret, previous_ends_at = now() + $3::interval, secret = $2,
            updated_at = now()
        WHERE client_id = $1
        RETURNING *
        """,
        client_id,
        secret,
        OVERLAP,
    )
    return _registered(row)


async def delete(connection: Connection, client_id: str) -> None:
    """Deletes a client with everything that it was given."""
    await connection.execute("DELETE FROM clients WHERE client_id = $1", client_id)


async def use_assertion(
    connection: Connection, client_id: str, jti: bytes, expires_at: datetime
) -> bool:
    """Uses up an assertion; whether it had not been used."""
    status = await connection.execute(
        """
        INSERT INTO assertions (client_id, jti, expires_at)
        VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING
        """,
        client_id,
        jti,
        expires_at,
    )
    return status == "INSERT 0 1"


async def delete_expired(connection: Connection) -> None:
    """Deletes the ids of assertions that would be refused by now anyhow."""
    await connection.execute("DELETE FROM assertions WHERE expires_at < now()")


def _values(client: Client) -> list[Any]:
    values = (getattr(client, name) for name in _WRITTEN)
    return [list(value) if isinstance(value, tuple) else value for value in values]


def _registered(row: Any) -> RegisteredClient:
    secrets = [] if row["secret"] is None else [row["secret"]]
    if row["previous_secret"] is not None and row["previous_ends_at"] > datetime.now(UTC):
        secrets.append(row["previous_secret"])
    return RegisteredClient(
        client=Client(
            client_id=row["client_id"],
            registered_by=row["registered_by"],
            **{name: row[name] for name in _WRITTEN},
        ),
        secrets=secrets,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        document_ends_at=row["document_ends_at"],
        registration=None
        if row["registration_token"] is None
        else Registration(
            initial_token=row["initial_token"], access_token=row["registration_token"]
        ),
    )
