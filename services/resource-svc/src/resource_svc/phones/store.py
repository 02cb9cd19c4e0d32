"""SQL of phones."""

from collections.abc import Iterable
from typing import Any

import asyncpg

from resource_svc.attachments.table import AttachmentTable
from resource_svc.phones.models import (
    Attempt,
    Limit,
    NumberTaken,
    Phone,
    PhoneExists,
    PhoneNumber,
    UnknownPhone,
)
from shared.contracts.attachments import PHONES
from shared.database.pool import Connection, Record

PHONE_TABLE = AttachmentTable(PHONES, Phone, "phones", "phone_sets")

_COLUMNS = PHONE_TABLE.columns


async def lock(connection: Connection, uid: str, number: str) -> None:
    """Sends codes for a user, and to a number, one after the other.

    The user always comes first: locks taken in one order cannot deadlock.
    """
    for name in (f"phones of {uid}", f"phone {number}"):
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)


async def count_phones(connection: Connection, uid: str) -> int:
    """How many phones the user has."""
    return int(
        await connection.fetchval(
            """
            SELECT count(*)
            FROM phones
            WHERE uid = $1
            """,
            uid,
        )
    )


async def insert_phone(connection: Connection, uid: str, number: PhoneNumber) -> Phone:
    """The new phone, to which no code was sent yet; raises `PhoneExists`."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO phones (uid, number, country)
        VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT phones_uid_number_key DO NOTHING
        RETURNING {_COLUMNS}
        """,
        uid,
        number.digits,
        number.country,
    )
    if row is None:
        raise PhoneExists
    return _phone(row)


async def get_phone(connection: Connection, uid: str, number: str) -> Phone:
    """The user's phone with this number; raises `UnknownPhone`."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM phones
        WHERE uid = $1 AND number = $2
        """,
        uid,
        number,
    )
    if row is None:
        raise UnknownPhone
    return _phone(row)


async def find_owner(connection: Connection, number: str) -> str | None:
    """The uid of the user who has verified the number."""
    uid: str | None = await connection.fetchval(
        """
        SELECT uid
        FROM phones
        WHERE number = $1 AND validated_at IS NOT NULL
        """,
        number,
    )
    return uid


async def has_verified(connection: Connection, uid: str) -> bool:
    """Whether the user has a verified phone."""
    verified: bool = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM phones
            WHERE uid = $1 AND validated_at IS NOT NULL
        )
        """,
        uid,
    )
    return verified


async def delete_phone(connection: Connection, uid: str, number: str) -> Phone:
    """Deletes the user's phone with this number; what it was. Raises `UnknownPhone`."""
    row = await connection.fetchrow(
        f"""
        DELETE FROM phones
        WHERE uid = $1 AND number = $2
        RETURNING {_COLUMNS}
        """,
        uid,
        number,
    )
    if row is None:
        raise UnknownPhone
    return _phone(row)


async def delete_unsent(connection: Connection, phone: Phone, digest: bytes) -> bool:
    """Deletes a phone, unless a later code was issued, or it is verified."""
    status = await connection.execute(
        """
        DELETE FROM phones
        WHERE id = $1 AND code_digest = $2
        """,
        phone.id,
        digest,
    )
    return status != "DELETE 0"


async def lock_ceiling(connection: Connection) -> None:
    """Counts codes for all users one request after the other; the last lock that is taken."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('phone codes', 0))")


async def wait_for(
    connection: Connection, limits: Iterable[Limit], *, uid: str = "", number: str = ""
) -> float:
    """How many seconds another code has to wait; 0 if it need not.

    Codes for this user and to this number count, or those of all users and to all numbers.
    """
    given = {name: value for name, value in (("uid", uid), ("number", number)) if value}
    condition = " AND ".join(f"{name} = ${place}" for place, name in enumerate(given, 3)) or "true"
    waits = [
        await connection.fetchval(
            f"""
            SELECT extract(epoch FROM sent_at - clock_timestamp())::double precision + $1
            FROM phone_sends
            WHERE {condition}
            ORDER BY sent_at DESC
            OFFSET $2
            LIMIT 1
            """,
            float(limit.seconds),
            limit.sends - 1,
            *given.values(),
        )
        for limit in limits
    ]
    return max(0.0, *(wait or 0.0 for wait in waits))


async def record_send(connection: Connection, phone: Phone) -> None:
    """Records that a code is sent now, and deletes records that no limit needs any more."""
    await connection.execute(
        """
        INSERT INTO phone_sends (uid, number, sent_at)
        VALUES ($1, $2, clock_timestamp())
        """,
        phone.uid,
        phone.number,
    )
    await connection.execute(
        """
        DELETE FROM phone_sends
        WHERE id IN (
            SELECT id
            FROM phone_sends
            WHERE sent_at < now() - interval '1 day'
            LIMIT 100
            FOR UPDATE SKIP LOCKED
        )
        """
    )


async def set_code(connection: Connection, phone: Phone, digest: bytes, seconds: int) -> None:
    """Stores the code that is sent now; the last one is void, and attempts count anew."""
    await connection.execute(
        """
        UPDATE phones
        SET code_digest = $2,
            code_expires_at = clock_timestamp() + $3 * interval '1 second',
            attempts = 0,
            updated_at = now()
        WHERE id = $1
        """,
        phone.id,
        digest,
        seconds,
    )


async def count_attempt(connection: Connection, uid: str, number: str) -> Attempt:
    """Counts an attempt at the code of a phone; raises `UnknownPhone` or `NumberTaken`."""
    row = await connection.fetchrow(
        f"""
        UPDATE phones
        SET attempts = attempts + 1
        WHERE uid = $1 AND number = $2
        RETURNING
            {_COLUMNS},
            code_digest,
            attempts,
            extract(epoch FROM code_expires_at - clock_timestamp())::double precision AS seconds
        """,
        uid,
        number,
    )
    if row is None:
        raise UnknownPhone
    if row["validated_at"]:  # a moment ago
        raise NumberTaken
    return Attempt(
        phone=_phone(row),
        code_digest=row["code_digest"] or b"",
        seconds_left=row["seconds"] or 0.0,
        count=row["attempts"],
    )


async def set_verified(connection: Connection, phone: Phone) -> Phone:
    """The phone, verified.

    Raises `NumberTaken` when somebody was faster; the transaction cannot go on then.
    """
    try:
        row = await connection.fetchrow(
            f"""
            UPDATE phones
            SET validated_at = now(),
                code_digest = NULL,
                code_expires_at = NULL,
                updated_at = now()
            WHERE id = $1 AND validated_at IS NULL
            RETURNING {_COLUMNS}
            """,
            phone.id,
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "phones_verified_number_key":
            raise
        raise NumberTaken from None
    if row is None:
        raise NumberTaken
    return _phone(row)


async def erase(connection: Connection, uid: str) -> None:
    """Deletes all phones of a user, and when codes were sent for them."""
    await PHONE_TABLE.erase(connection, uid)
    await connection.execute(
        """
        DELETE FROM phone_sends
        WHERE uid = $1
        """,
        uid,
    )


def _phone(row: Record | Any) -> Phone:
    return Phone(**{name: row[name] for name in Phone.__slots__})
