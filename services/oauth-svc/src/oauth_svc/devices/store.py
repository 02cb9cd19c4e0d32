"""The tables of devices' requests, and of wrong user codes."""

import math
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from oauth_svc.devices.models import Origin, StoredRequest
from oauth_svc.protocol.device_authorization import MAX_INTERVAL, SLOWER_BY, DeviceCode
from shared.database.pool import Connection

_COLUMNS = """
    client_id, scopes, resources, address, user_agent, created_at, expires_at, interval_seconds,
    polled_at, allowed, grant_id, used_at, clock_timestamp() AS found_at
"""
_TOLD_AFTER_EXPIRY = timedelta(hours=1)


async def insert(
    connection: Connection,
    *,
    device_digest: bytes,
    user_digest: bytes,
    client_id: str,
    scopes: Sequence[str],
    resources: Sequence[str],
    origin: Origin,
    interval: int,
    life: timedelta,
) -> bool:
    """Adds a request; False if another one has this user code."""
    status = await connection.execute(
        """
        INSERT INTO device_authorizations (
            device_digest, user_digest, client_id, scopes, resources, address, user_agent,
            interval_seconds, expires_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9::interval)
        ON CONFLICT (user_digest) DO NOTHING
        """,
        device_digest,
        user_digest,
        client_id,
        list(scopes),
        list(resources),
        str(origin.address),
        origin.user_agent,
        interval,
        life,
    )
    return status == "INSERT 0 1"


async def keep_newest(connection: Connection, client_id: str, limit: int) -> None:
    """Deletes the oldest requests of a client, beyond `limit`."""
    await connection.execute(
        """
        DELETE FROM device_authorizations
        WHERE device_digest IN (
            SELECT device_digest
            FROM device_authorizations
            WHERE client_id = $1
            ORDER BY created_at DESC
            OFFSET $2
            FOR UPDATE SKIP LOCKED
        )
        """,
        client_id,
        limit,
    )


async def find_for_update(connection: Connection, device_digest: bytes) -> StoredRequest | None:
    """The request of a device, locked until the transaction ends; None without one."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM device_authorizations
        WHERE device_digest = $1
        FOR UPDATE
        """,
        device_digest,
    )
    return None if row is None else _stored(row)


async def note_poll(connection: Connection, device_digest: bytes, *, early: bool) -> None:
    """Stores that a device polled; after an early poll, the interval is longer."""
    await connection.execute(
        """
        UPDATE device_authorizations
        SET polled_at = clock_timestamp(),
            interval_seconds = CASE
                WHEN $2 THEN least(interval_seconds + $3, $4) ELSE interval_seconds
            END
        WHERE device_digest = $1
        """,
        device_digest,
        early,
        SLOWER_BY,
        MAX_INTERVAL,
    )


async def use(connection: Connection, device_digest: bytes) -> bool:
    """Uses up a device code; whether nobody had used it."""
    status = await connection.execute(
        """
        UPDATE device_authorizations
        SET used_at = now()
        WHERE device_digest = $1
          AND used_at IS NULL
        """,
        device_digest,
    )
    return status == "UPDATE 1"


async def show(
    connection: Connection, user_digests: Sequence[bytes], shown_digest: bytes, sid: str
) -> bool:
    """Lets a session answer the request with this user code; False if none waits.

    A session that looked it up before can no longer answer.
    """
    status = await connection.execute(
        """
        UPDATE device_authorizations
        SET shown_digest = $2, sid = $3
        WHERE user_digest = ANY ($1::bytea[])
          AND allowed IS NULL
          AND expires_at > now()
        """,
        list(user_digests),
        shown_digest,
        sid,
    )
    return status == "UPDATE 1"


async def find_shown(
    connection: Connection, shown_digest: bytes, sid: str, *, for_update: bool = False
) -> StoredRequest | None:
    """The request that the session has looked up, until it is answered or expires."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM device_authorizations
        WHERE shown_digest = $1
          AND sid = $2
          AND allowed IS NULL
          AND expires_at > now()
        {"FOR UPDATE" if for_update else ""}
        """,
        shown_digest,
        sid,
    )
    return None if row is None else _stored(row)


async def answer(connection: Connection, shown_digest: bytes, grant_id: UUID | None) -> None:
    """Stores the user's answer; None for a refusal."""
    await connection.execute(
        """
        UPDATE device_authorizations
        SET allowed = $2::uuid IS NOT NULL, grant_id = $2, shown_digest = NULL
        WHERE shown_digest = $1
        """,
        shown_digest,
        grant_id,
    )


async def count_guess(connection: Connection, key: bytes, limit: int, window: timedelta) -> int:
    """Counts a guess; seconds until the next one if there were too many, otherwise 0."""
    [row] = await connection.fetch(
        """
        INSERT INTO device_guesses AS kept (key, guesses, began_at)
        VALUES ($1, 1, now())
        ON CONFLICT (key) DO UPDATE
        SET guesses = CASE
                WHEN kept.began_at + $2::interval <= now() THEN 1 ELSE kept.guesses + 1
            END,
            began_at = CASE
                WHEN kept.began_at + $2::interval <= now() THEN now() ELSE kept.began_at
            END
        RETURNING guesses, extract(epoch FROM began_at + $2::interval - now())::float8 AS rest
        """,
        key,
        window,
    )
    return max(1, math.ceil(row["rest"])) if row["guesses"] > limit else 0


async def forgive_guess(connection: Connection, keys: Sequence[bytes]) -> None:
    """Takes back a guess that was right."""
    await connection.execute(
        "UPDATE device_guesses SET guesses = guesses - 1 WHERE key = ANY ($1::bytea[])", list(keys)
    )


async def delete_expired(connection: Connection, window: timedelta) -> None:
    """Deletes old requests and counts; for an hour, a device is told that its code has expired."""
    await connection.execute(
        "DELETE FROM device_authorizations WHERE expires_at < now() - $1::interval",
        _TOLD_AFTER_EXPIRY,
    )
    await connection.execute(
        "DELETE FROM device_guesses WHERE began_at < now() - $1::interval", window
    )


def _stored(row: Any) -> StoredRequest:
    return StoredRequest(
        code=DeviceCode(
            client_id=row["client_id"],
            expires_at=row["expires_at"],
            interval=timedelta(seconds=row["interval_seconds"]),
            polled_at=row["polled_at"],
            allowed=row["allowed"],
        ),
        scopes=row["scopes"],
        resources=row["resources"],
        origin=Origin(address=ip_address(row["address"]), user_agent=row["user_agent"]),
        created_at=row["created_at"],
        found_at=row["found_at"],
        grant_id=row["grant_id"],
        used=row["used_at"] is not None,
    )
