"""Trusts, recognizes, lists and revokes devices."""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from identity_svc.core import Core
from identity_svc.trusted_devices import store
from identity_svc.trusted_devices.models import DeviceNotFound, NewDevice, TrustedDevice
from shared.contracts.activities import Client
from shared.contracts.sessions import without_versions
from shared.database.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class TrustedDevices:
    """A trusted device replaces the code at a log-in, never the password, for `seconds`.

    With 0 seconds there are none: nothing is trusted, and what was trusted before does not count.
    """

    database: Database
    seconds: int

    async def trust(self, connection: Connection, uid: str, client: Client) -> NewDevice | None:
        """The cookie for the browser in which a locked user gave a code; None if this is off."""
        if not self.seconds:
            return None
        cookie = secrets.token_urlsafe(32)
        await store.insert_device(connection, uid, _digest(cookie), client, self.seconds)
        return NewDevice(cookie, self.seconds)

    async def recognize(
        self, connection: Connection, uid: str, cookies: Sequence[str], client: Client
    ) -> bool:
        """Whether one of these cookies is that of a trusted device of the user; notes its use.

        It counts only in the browser in which it was set, as far as the User-Agent tells.
        """
        if not self.seconds:
            return False
        for cookie in cookies:
            digest = _digest(cookie)
            user_agent = await store.find_user_agent(connection, uid, digest)
            if user_agent is not None and without_versions(user_agent) == without_versions(
                client.user_agent
            ):
                await store.note_use(connection, digest, client)
                return True
        return False

    async def list(self, uid: str) -> Sequence[TrustedDevice]:
        """The trusted devices of a user, the newest first."""
        async with self.database.connection() as connection:
            return await store.list_devices(connection, uid)

    async def revoke(self, uid: str, device: uuid.UUID | None) -> None:
        """Ends the trust in a device; raises `DeviceNotFound`."""
        async with self.database.connection() as connection:
            if device is None or not await store.delete_device(connection, uid, device):
                raise DeviceNotFound

    async def revoke_all(self, connection: Connection, uid: str) -> None:
        """Ends the trust in all devices of a user."""
        await store.delete_all(connection, uid)

    async def delete_expired(self, connection: Connection) -> None:
        """Deletes devices whose time is over."""
        await store.delete_expired(connection)


def build(core: Core) -> TrustedDevices:
    """The trusted devices of this installation, if there are any."""
    return TrustedDevices(core.database, core.settings.trusted_device_days * 86_400)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).digest()
