"""Creates, enables, checks and disables the caller's second factor, and labels who has one."""

from base64 import b64encode
from dataclasses import dataclass

from resource_svc.core import Core
from resource_svc.labels.use_cases import Labels
from resource_svc.second_factor import qr_code
from resource_svc.second_factor.models import (
    AlreadyEnabled,
    NotEnabled,
    NothingToVerify,
    WrongCode,
)
from resource_svc.translated import translated
from resource_svc.users.use_cases import Users
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.events import ReceivedEvent
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection, Database

_LABEL = ("otp", "enabled")


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The second factor that identity-svc stores, and the private label otp:enabled.

    The newest state of the user decides about the label, so that events may come in any order.
    """

    database: Database
    identity: IdentityClient
    users: Users
    labels: Labels

    async def create(self, uid: str, sid: str | None, client: Client) -> dict[str, str]:
        """`barcode`, a PNG in Base64, and the `url` that it shows.

        Every call makes another secret, in place of one that was never enabled. Raises
        `AlreadyEnabled`, `StepUpRequired`, `NotFound` or `Unavailable`.
        """
        with translated({"otp.already_enabled": AlreadyEnabled}):
            _, url = await self.identity.create_second_factor(uid, sid, client)
        return {"barcode": b64encode(await qr_code.png(url)).decode(), "url": url}

    async def enable(self, uid: str, sid: str | None, code: str, client: Client) -> User:
        """The user after it, with the label; ends all their sessions but the one with this `sid`.

        Raises `AlreadyEnabled`, `StepUpRequired`, `WrongCode`, `Invalid` with `totp.error`,
        `Throttled`, `NotFound` or `Unavailable`.
        """
        with translated({"otp.already_enabled": AlreadyEnabled, "otp.invalid": WrongCode}):
            user = await self.identity.enable_second_factor(uid, code, sid, client)
        return await self._label_now(user)

    async def disable(self, uid: str, code: str, client: Client) -> User:
        """The user after it, without the label; API keys end by the event.

        Raises `NotEnabled`, `WrongCode`, `Invalid` with `totp.error`, `Throttled`, `NotFound` or
        `Unavailable`.
        """
        with translated({"otp.not_enabled": NotEnabled, "otp.invalid": WrongCode}):
            user = await self.identity.disable_second_factor(uid, code, client)
        return await self._label_now(user)

    async def verify(self, uid: str, code: str, client: Client) -> None:
        """Uses a code up.

        Raises `NothingToVerify`, `WrongCode`, `Invalid` with `totp.error`, or `Throttled`.
        """
        with translated({"otp.not_enabled": NothingToVerify, "otp.invalid": WrongCode}):
            await self.identity.verify_code(uid, code, client)

    async def label(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `model.user.updated`."""
        if "otp" in event.changes:
            await self._label(connection, User.of(event.snapshot))

    async def _label_now(self, user: User) -> User:
        """The user after their label was changed.

        Nothing is lost when this fails: the event of the change has the same effect.
        """
        async with self.database.transaction() as connection:
            labels = await self._label(connection, user)
        await self.labels.apply(labels)
        return await self.users.get(user.uid)

    async def _label(self, connection: Connection, user: User) -> PrivateLabels:
        newest = await self.users.upsert_within(connection, user)
        key, value = _LABEL
        if newest.otp:
            return await self.labels.upsert_private(connection, newest, key, value)
        return await self.labels.delete_private(connection, newest, key)


def build(core: Core, users: Users, labels: Labels) -> SecondFactor:
    """The use cases of the second factor."""
    return SecondFactor(core.database, core.identity, users, labels)
