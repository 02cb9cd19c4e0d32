"""Turns the second factor on."""

import uuid
from dataclasses import dataclass

from identity_svc.activities.deeds import ENABLE_SECOND_FACTOR
from identity_svc.activities.record import RecordActivities
from identity_svc.second_factor import store
from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.second_factor.errors import AlreadyEnabled
from identity_svc.second_factor.limit_codes import LimitCodes
from identity_svc.sessions import revoke
from identity_svc.sessions.store import session_lives
from identity_svc.users.events import user_updated
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Database
from shared.errors import SessionEnded
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class EnableSecondFactor:
    """Sessions that were opened without a code end, but for the one in which this is done."""

    database: Database
    outbox: Outbox
    limit_codes: LimitCodes
    authenticator: Authenticator
    record: RecordActivities

    async def __call__(self, uid: str, code: str, sid: uuid.UUID | None, client: Client) -> User:
        """Raises `UserNotFound`, `UserNotActive`, `AlreadyEnabled`, `WrongCode`, `UsedCode`,
        `Throttled`, or `SessionEnded` where the session `sid` ended meanwhile.
        """
        async with (
            self.limit_codes("otp", uid, client),
            self.record.refusals(uid, client, ENABLE_SECOND_FACTOR),
            self.database.transaction() as connection,
        ):
            user = await store.lock_user(connection, uid)
            if user.otp:
                raise AlreadyEnabled
            if sid is not None and not await session_lives(connection, sid):
                raise SessionEnded
            await self.authenticator.accept_first(connection, uid, code)
            await store.enable(connection, uid, sid)
            changed = await store.set_otp(connection, uid, True)
            await self.outbox.add(connection, user_updated(changed, {"otp": False}))
            await revoke.all_sessions(connection, self.outbox, changed, but=sid)
            await self.record.success(connection, uid, client, ENABLE_SECOND_FACTOR)
        return changed
