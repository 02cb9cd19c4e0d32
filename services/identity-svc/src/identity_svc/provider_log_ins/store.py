"""SQL of log-ins under way at other providers.

Statements that lock several rows lock them in the order of their states: they cannot deadlock.
"""

from typing import Any

from identity_svc.openid_providers.models import Identity
from identity_svc.provider_log_ins.models import MAX_PENDING, SECONDS, Owner, Pending
from shared.database.pool import Connection


async def insert(connection: Connection, pending: Pending) -> None:
    """Notes a log-in; of too many of one browser, or of one user, the oldest end."""
    await connection.execute(
        """
        INSERT INTO provider_log_ins (
            state, browser, uid, sid, provider, issuer, secret, expires_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
        """,
        pending.state,
        pending.owner.browser,
        pending.owner.uid,
        pending.owner.sid,
        pending.provider,
        pending.issuer,
        pending.secret,
        SECONDS,
    )
    await connection.execute(
        """
        DELETE FROM provider_log_ins
        WHERE state IN (
            SELECT state
            FROM provider_log_ins
            WHERE state IN (
                SELECT state
                FROM provider_log_ins
                WHERE browser = $1
                   OR uid = $2
                ORDER BY created_at DESC, state
                OFFSET $3
            )
            ORDER BY state
            FOR UPDATE
        )
        """,
        pending.owner.browser,
        pending.owner.uid,
        MAX_PENDING,
    )


async def find(connection: Connection, state: bytes) -> Pending | None:
    """The log-in with this state; None if there is none, or no longer."""
    row = await connection.fetchrow(
        """
        SELECT state, browser, uid, sid, provider, issuer, secret, subject, email, email_verified
        FROM provider_log_ins
        WHERE state = $1
          AND expires_at > now()
        """,
        state,
    )
    return _pending(row) if row else None


async def take(connection: Connection, state: bytes) -> bool:
    """Whether its code may be redeemed now; of simultaneous answers only one gets true."""
    status = await connection.execute(
        """
        UPDATE provider_log_ins
        SET taken = true
        WHERE state = $1
          AND NOT taken
          AND expires_at > now()
        """,
        state,
    )
    return status == "UPDATE 1"


async def set_identity(connection: Connection, state: bytes, identity: Identity) -> None:
    """Stores the identity that logged in at the provider."""
    await connection.execute(
        """
        UPDATE provider_log_ins
        SET subject = $2, email = $3, email_verified = $4
        WHERE state = $1
        """,
        state,
        identity.subject,
        identity.email,
        identity.email_verified,
    )


async def delete(connection: Connection, state: bytes) -> bool:
    """Ends a log-in; whether there was one. Of simultaneous calls only one gets true."""
    status = await connection.execute(
        """
        DELETE FROM provider_log_ins
        WHERE state = $1
        """,
        state,
    )
    return status == "DELETE 1"


async def delete_expired(connection: Connection) -> None:
    """Deletes what nobody may come back to any more."""
    await connection.execute(
        """
        DELETE FROM provider_log_ins
        WHERE expires_at < now()
        """
    )


def _pending(row: Any) -> Pending:
    identity = None
    if row["subject"] is not None:
        identity = Identity(row["issuer"], row["subject"], row["email"], row["email_verified"])
    return Pending(
        state=row["state"],
        owner=Owner(browser=row["browser"], uid=row["uid"], sid=row["sid"]),
        provider=row["provider"],
        issuer=row["issuer"],
        secret=row["secret"],
        identity=identity,
    )
