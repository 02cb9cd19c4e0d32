"""Demands a code of the user's authenticator."""

from dataclasses import dataclass
from datetime import datetime

from resource_svc.api_keys import store
from resource_svc.api_keys.errors import SecondFactorDisabled, WrongCode
from resource_svc.translated import translated
from resource_svc.users.find_user import FindUser
from resource_svc.users.keep_user import KeepUser
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.database.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class DemandSecondFactor:
    """Identity-svc decides, and counts the attempts."""

    database: Database
    identity: IdentityClient
    find_user: FindUser
    keep_user: KeepUser

    async def __call__(self, uid: str, code: str, client: Client) -> datetime:
        """A moment before the code was accepted, and used up; for `still_counts`.

        Raises `SecondFactorDisabled`, `WrongCode`, `Invalid` with `totp.error`, `Throttled`,
        `NotFound` or `Unavailable`.
        """
        async with self.database.connection() as connection:
            before = await store.moment(connection)
        with translated({"otp.not_enabled": SecondFactorDisabled, "otp.invalid": WrongCode}):
            await self.identity.verify_code(uid, code, client)
        user = await self.find_user(uid)
        if not user.otp:
            await self.keep_user(await self.identity.user(uid))  # its event is on the way
        return before

    @staticmethod
    async def still_counts(connection: Connection, uid: str, before: datetime) -> None:
        """Raises `WrongCode` when all keys of a locked user ended after the code was accepted."""
        ended = await store.api_keys_ended_at(connection, uid)
        if ended is not None and ended > before:
            raise WrongCode
