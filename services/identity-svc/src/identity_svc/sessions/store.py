"""SQL of sessions."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from identity_svc.sessions.models import (
    ORIGIN_DAYS,
    ORIGINS_PER_USER,
    EndedSession,
    Lifetime,
    ListedSession,
    LivingSession,
    Origin,
    network_of,
)
from identity_svc.users.models import COLUMNS, user_of
from shared.contracts.activities import Client
from shared.contracts.authentication import Authentication
from shared.contracts.sessions import without_versions
from shared.database.pool import Connection
from shared.values.addresses import Address


async def insert_session(
    connection: Connection,
    uid: str,
    key: str,
    csrf_digest: str,
    client: Client,
    amr: Sequence[str],
    acr: str,
    lifetime: Lifetime,
) -> tuple[str, Authentication]:
    """A new session, whose user was authenticated just now; its sid."""
    sid = uuid.uuid4()
    row = await connection.fetchrow(
        """
        INSERT INTO sessions (
            sid, key, csrf_digest, uid, user_agent, address, network, amr, acr, auth_time,
            expires_at, absolute_expires_at
        )
        VALUES (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, now(),
            now() + make_interval(secs => $10), now() + make_interval(secs => $11)
        )
        RETURNING amr, acr, auth_time
        """,
        sid,
        key,
        csrf_digest,
        uid,
        client.user_agent,
        client.ip,
        network_of(client.ip),
        amr,
        acr,
        lifetime.seconds,
        lifetime.absolute_seconds,
    )
    return str(sid), _authentication(row)


async def authentication_of(
    connection: Connection, uid: str, sid: uuid.UUID
) -> tuple[Authentication, float] | None:
    """How the user of a living session was authenticated last, and how many seconds ago."""
    row = await connection.fetchrow(
        """
        SELECT
            amr, acr, auth_time,
            extract(epoch FROM clock_timestamp() - auth_time)::double precision AS age
        FROM sessions
        WHERE sid = $1
          AND uid = $2
          AND expires_at > now()
        """,
        sid,
        uid,
    )
    return (_authentication(row), row["age"]) if row else None


async def set_authentication(
    connection: Connection, uid: str, sid: uuid.UUID, amr: Sequence[str], acr: str
) -> Authentication | None:
    """Stores that the user of a living session was authenticated just now; None if it has ended."""
    row = await connection.fetchrow(
        """
        UPDATE sessions
        SET amr = $3, acr = $4, auth_time = clock_timestamp()
        WHERE sid = $1
          AND uid = $2
          AND expires_at > now()
        RETURNING amr, acr, auth_time
        """,
        sid,
        uid,
        amr,
        acr,
    )
    return _authentication(row) if row else None


def _authentication(row: Any) -> Authentication:
    return Authentication(tuple(row["amr"]), row["acr"], row["auth_time"])


async def use_session(
    connection: Connection,
    lifetime: Lifetime,
    *,
    key: str | None = None,
    sid: uuid.UUID | None = None,
) -> LivingSession | None:
    """The living session with this key or this sid.

    Prolongs it, if more than `lifetime.step` of its life is used up.
    """
    row = await connection.fetchrow(
        f"""
        WITH living AS (
            SELECT
                *,
                least(now() + make_interval(secs => $1), absolute_expires_at) AS prolonged_to
            FROM sessions
            WHERE (key = $3 OR sid = $4)
              AND expires_at > now()
        ),
        prolonged AS (
            UPDATE sessions
            SET expires_at = prolonged_to
            FROM living
            WHERE sessions.sid = living.sid
              AND sessions.expires_at NOT BETWEEN
                  prolonged_to - make_interval(secs => $2) AND prolonged_to
            RETURNING sessions.sid, sessions.expires_at
        )
        SELECT
            living.sid,
            csrf_digest,
            user_agent,
            network,
            other_network,
            amr,
            acr,
            auth_time,
            coalesce(prolonged.expires_at, living.expires_at) AS expires_at,
            {COLUMNS}
        FROM living
        JOIN users ON users.uid = living.uid
        LEFT JOIN prolonged ON prolonged.sid = living.sid
        """,
        lifetime.seconds,
        lifetime.step,
        key,
        sid,
    )
    if row is None:
        return None
    return LivingSession(
        str(row["sid"]),
        user_of(row),
        row["csrf_digest"],
        row["user_agent"],
        str(row["network"]),
        None if row["other_network"] is None else str(row["other_network"]),
        row["expires_at"],
        _authentication(row),
    )


async def take_in_network(connection: Connection, sid: uuid.UUID, address: Address) -> None:
    """Binds the session to the network of `address`, if it has none of that address family yet."""
    await connection.execute(
        """
        UPDATE sessions
        SET other_network = $2
        WHERE sid = $1
          AND other_network IS NULL
          AND family(network) <> family($2)
        """,
        sid,
        network_of(address),
    )


async def current_session(
    connection: Connection, sid: uuid.UUID
) -> tuple[ListedSession, Authentication, str, str] | None:
    """The living session, with its key and the digest of its CSRF token."""
    row = await connection.fetchrow(
        """
        SELECT
            sid, address, user_agent, created_at, expires_at, amr, acr, auth_time,
            key, csrf_digest
        FROM sessions
        WHERE sid = $1
          AND expires_at > now()
        """,
        sid,
    )
    if row is None:
        return None
    return _listed(row), _authentication(row), row["key"], row["csrf_digest"]


async def delete_session(
    connection: Connection,
    *,
    key: str | None = None,
    sid: uuid.UUID | None = None,
    uid: str | None = None,
) -> EndedSession | None:
    """Ends the living session with this key or this sid.

    If `uid` is given, the session has to be theirs.
    """
    row = await connection.fetchrow(
        f"""
        DELETE FROM sessions
        USING users
        WHERE (key = $1 OR sid = $2)
          AND ($3::text IS NULL OR sessions.uid = $3)
          AND expires_at > now()
          AND users.uid = sessions.uid
        RETURNING sid, {COLUMNS}
        """,
        key,
        sid,
        uid,
    )
    return EndedSession(row["sid"], user_of(row)) if row else None


async def session_lives(connection: Connection, sid: uuid.UUID) -> bool:
    """Whether a session has not ended."""
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT
                FROM sessions
                WHERE sid = $1
                  AND expires_at > now()
            )
            """,
            sid,
        )
    )


async def sid_of(connection: Connection, uid: str, keys: Sequence[str]) -> uuid.UUID | None:
    """The living session of a user that has one of these keys, the newest of several."""
    sid: uuid.UUID | None = await connection.fetchval(
        """
        SELECT sid
        FROM sessions
        WHERE uid = $1
          AND key = ANY($2)
          AND expires_at > now()
        ORDER BY created_at DESC
        LIMIT 1
        """,
        uid,
        keys,
    )
    return sid


async def delete_sessions_of(connection: Connection, uid: str, but: uuid.UUID | None) -> list[str]:
    """Ends all sessions of a user, or all but one; the sids of those that ended."""
    rows = await connection.fetch(
        """
        DELETE FROM sessions
        WHERE uid = $1
          AND sid IS DISTINCT FROM $2
        RETURNING sid
        """,
        uid,
        but,
    )
    return [str(row["sid"]) for row in rows]


async def delete_oldest_sessions(
    connection: Connection, uid: str, limit: int, new: str
) -> list[str]:
    """Ends the oldest of more than `limit` living sessions, never the new one; their sids."""
    rows = await connection.fetch(
        """
        DELETE FROM sessions
        WHERE sid IN (
            SELECT sid
            FROM sessions
            WHERE uid = $1
              AND expires_at > now()
              AND sid <> $2
            ORDER BY created_at DESC, sid
            OFFSET $3
        )
        RETURNING sid
        """,
        uid,
        new,
        limit - 1,
    )
    return [str(row["sid"]) for row in rows]


async def sessions_of(
    connection: Connection, uid: str, limit: int, offset: int
) -> list[ListedSession]:
    """The living sessions of a user, the newest first."""
    rows = await connection.fetch(
        """
        SELECT sid, address, user_agent, created_at, expires_at
        FROM sessions
        WHERE uid = $1
          AND expires_at > now()
        ORDER BY created_at DESC, sid
        LIMIT $2
        OFFSET $3
        """,
        uid,
        limit,
        offset,
    )
    return [_listed(row) for row in rows]


def _listed(row: Any) -> ListedSession:
    return ListedSession(
        str(row["sid"]),
        str(row["address"]),
        row["user_agent"],
        row["created_at"],
        row["expires_at"],
    )


async def number_of_sessions(connection: Connection, uid: str) -> int:
    """How many living sessions the user has."""
    return int(
        await connection.fetchval(
            """
            SELECT count(*)
            FROM sessions
            WHERE uid = $1
              AND expires_at > now()
            """,
            uid,
        )
    )


async def delete_expired(connection: Connection) -> None:
    """Deletes sessions that ended by themselves."""
    await connection.execute(
        """
        DELETE FROM sessions
        WHERE expires_at < now()
        """
    )


async def note_origin(connection: Connection, uid: str, client: Client) -> Origin:
    """Stores the origin from which a locked user opens a session; returns what was new about it."""
    device = hashlib.sha256(without_versions(client.user_agent).encode()).digest()[:16]
    [row] = await connection.fetch(
        """
        WITH known AS (
            SELECT device, network
            FROM session_origins
            WHERE uid = $1
              AND seen_at > now() - make_interval(days => $4)
        ),
        noted AS (
            INSERT INTO session_origins (uid, device, network)
            VALUES ($1, $2, $3)
            ON CONFLICT (uid, device, network) DO UPDATE
            SET seen_at = now()
        )
        SELECT
            count(*) AS origins,
            coalesce(bool_or(device = $2), true) AS device_known,
            coalesce(bool_or(network = $3), true) AS network_known
        FROM known
        """,
        uid,
        device,
        network_of(client.ip),
        ORIGIN_DAYS,
    )
    if row["origins"] >= ORIGINS_PER_USER:
        await connection.execute(
            """
            DELETE FROM session_origins
            WHERE uid = $1
              AND (device, network) IN (
                  SELECT device, network
                  FROM session_origins
                  WHERE uid = $1
                  ORDER BY seen_at DESC
                  OFFSET $2
              )
            """,
            uid,
            ORIGINS_PER_USER,
        )
    return Origin(not row["device_known"], not row["network_known"])


async def delete_origins_of(connection: Connection, uid: str) -> None:
    """Deletes the origins of an account."""
    await connection.execute(
        """
        DELETE FROM session_origins
        WHERE uid = $1
        """,
        uid,
    )


async def delete_old_origins(connection: Connection) -> None:
    """Deletes origins that were not used for `ORIGIN_DAYS`."""
    await connection.execute(
        """
        DELETE FROM session_origins
        WHERE seen_at < now() - make_interval(days => $1)
        """,
        ORIGIN_DAYS,
    )
