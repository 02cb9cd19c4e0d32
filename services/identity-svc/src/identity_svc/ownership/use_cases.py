"""Ends what others may have made in an account before its address was proven."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from identity_svc.core import Core
from identity_svc.linked_accounts.use_cases import LinkedAccounts
from identity_svc.passkeys.use_cases import Passkeys
from identity_svc.recovery_codes.use_cases import Recovery
from identity_svc.second_factor.use_cases import SecondFactors
from identity_svc.sessions.use_cases import Sessions
from shared.clients.resource import ResourceClient
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.errors import NotFound, Unavailable

log = structlog.get_logger()

ENDED_AT = "api_keys_ended_at"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Somebody may sign up with an address that is not theirs, and wait for its owner.

    The owner's API keys, which resource-svc keeps, end by the event of the proof, and by a call:
    they no longer work once the call answers.
    """

    sessions: Sessions
    second_factors: SecondFactors
    passkeys: Passkeys
    linked_accounts: LinkedAccounts
    recovery: Recovery
    resource: ResourceClient

    async def end_others(
        self, connection: Connection, user: User, sid: uuid.UUID | None
    ) -> tuple[User, bool]:
        """The locked user as they are then, and whether their API keys ended.

        Sessions and the second factor end in the transaction in which the address is proven. What
        was made in the session that proves it stays: the session, whose `sid` this is, a second
        factor that was enabled in it, passkeys and linked accounts that were added in it, and the
        API keys that required its codes. `sid` is None where there is no session.
        """
        stays = (
            user.otp
            and sid is not None
            and await self.second_factors.was_enabled_in(connection, user.uid, sid)
        )
        if user.otp and not stays:
            user = await self.second_factors.disable_within(connection, user.uid)
        elif not user.otp:
            await self.second_factors.discard(connection, user.uid)  # others may know the secret
        await self.passkeys.end_others(connection, user, sid)
        await self.linked_accounts.end_others(connection, user, sid)
        await self.recovery.discard(connection, user.uid)  # others may know them
        await self.sessions.revoke_all(connection, user, but=sid)
        await self.sessions.forget_origins(connection, user.uid)
        return user, not stays

    async def end_made_since(
        self, connection: Connection, user: User, moment: datetime, client: Client
    ) -> User:
        """The locked user without the credentials that were added at this moment or later.

        These are passkeys, the second factor and recovery codes. Linked accounts end, however old
        they are. Recovery codes end with the last factor as well. Sessions and API keys are the
        caller's part.
        """
        await self.passkeys.end_added_since(connection, user, moment, client)
        user = await self.second_factors.end_enabled_since(connection, user, moment, client)
        await self.recovery.discard_made_since(connection, user.uid, moment)
        if not user.otp and not await self.passkeys.exist(connection, user.uid):
            await self.recovery.discard(connection, user.uid)
        await self.linked_accounts.end_others(connection, user, None)
        return user

    @staticmethod
    def api_keys_ended() -> dict[str, Any]:
        """What the snapshot of the event has besides: the time since when no older key works."""
        return {ENDED_AT: datetime.now(UTC).isoformat()}

    async def end_api_keys(self, uid: str) -> None:
        """Ends the user's API keys, after the commit; if the call fails, the event does it."""
        try:
            await self.resource.end_api_keys(uid)
        except (Unavailable, NotFound) as error:
            log.warning("api_keys_await_their_event", uid=uid, reason=str(error))


def build(
    core: Core,
    sessions: Sessions,
    second_factors: SecondFactors,
    passkeys: Passkeys,
    linked_accounts: LinkedAccounts,
    recovery: Recovery,
) -> Ownership:
    """Ownership, with resource-svc for API keys."""
    return Ownership(sessions, second_factors, passkeys, linked_accounts, recovery, core.resource)
