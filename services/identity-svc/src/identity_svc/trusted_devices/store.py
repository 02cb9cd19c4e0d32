"""SQL of trusted devices."""

import uuid

from identity_svc.trusted_devices.models import MAX_DEVICES, TrustedDevice
from shared.contracts.activities import Client
from shared.database.pool import Connection

_COLUMNS = "id, host(address) AS address, user_agent, created_at, used_at, expires_at"


async def insert_device(
    connection: Connection, uid: str, digest: bytes, client: Client, seconds: int
) -> None:
    """A new trusted device of a locked user; of too many, those unused for longest go."""
    await connection.execute(
        """
        INSERT INTO trusted_devices (id, uid, digest, user_agent, address, expires_at)
        VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
        """,
        uuid.uuid4(),
        uid,
        digest,
        client.user_agent,
        client.ip,
        seconds,
    )
    await connection.execute(
        """
        DELETE FROM trusted_devices
        WHERE id IN (
            SELECT id
            FROM trusted_devices
            WHERE uid = $1
            ORDER BY used_at DESC, id
            OFFSET $2
        )
        """,
        uid,
        MAX_DEVICES,
    )


async def find_user_agent(connection: Connection, uid: str, digest: bytes) -> str | None:
    """The User-Agent of the user's trusted device with this cookie; None without one."""
    found: str | None = await connection.fetchval(
        """
        SELECT user_agent
        FROM trusted_devices
        WHERE digest = $2
          AND uid = $1
          AND expires_at > now()
        """,
        uid,
        digest,
    )
    return found


async def note_use(connection: Connection, digest: bytes, client: Client) -> None:
    """Notes a log-in from a trusted device."""
    await connection.execute(
        """
        UPDATE trusted_devices
        SET used_at = now(), address = $2
        WHERE digest = $1
        """,
        digest,
        client.ip,
    )


async def list_devices(connection: Connection, uid: str) -> list[TrustedDevice]:
    """The trusted devices of a user, the newest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM trusted_devices
        WHERE uid = $1
          AND expires_at > now()
        ORDER BY created_at DESC, id
        """,
        uid,
    )
    return [TrustedDevice(**row) for row in rows]


async def delete_device(connection: Connection, uid: str, device: uuid.UUID) -> bool:
    """Whether the user had this trusted device, which is deleted."""
    status = await connection.execute(
        """
        DELETE FROM trusted_devices
        WHERE id = $2
          AND uid = $1
        """,
        uid,
        device,
    )
    return status == "DELETE 1"


async def delete_all(connection: Connection, uid: str) -> None:
    """Deletes all trusted devices of a user."""
    await connection.execute(
        """
        DELETE FROM trusted_devices
        WHERE uid = $1
        """,
        uid,
    )


async def delete_expired(connection: Connection) -> None:
    """Deletes devices whose time is over."""
    await connection.execute(
        """
        DELETE FROM trusted_devices
        WHERE expires_at < now()
        """
    )
