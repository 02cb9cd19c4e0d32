"""Ends what others may have made of an account before its address was proven."""

import uuid
from dataclasses import dataclass

from identity_svc.ownership.end_api_keys import EndApiKeys
from identity_svc.second_factor import store as second_factors
from identity_svc.second_factor.disable import DisableSecondFactor
from identity_svc.sessions import revoke
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class EndOthers:
    """Somebody may have signed up with an address that is not theirs, and wait for its owner.

    Sessions, API keys and the second factor end, in the transaction in which the address is proven.
    What was made in the session that proves it stays: the session itself, and with it a second
    factor that was turned on in it, and the API keys that wanted its codes.
    """

    outbox: Outbox
    disable: DisableSecondFactor
    end_api_keys: EndApiKeys

    async def __call__(
        self, connection: Connection, user: User, sid: uuid.UUID | None
    ) -> tuple[User, bool]:
        """The locked user as they are then, and whether their API keys ended.

        `sid` is of the session that proves the address, None where there is none.
        """
        if user.otp and sid is not None:
            stays = await second_factors.enabled_in(connection, user.uid) == sid
        else:
            stays = False
        if user.otp and not stays:
            user = await self.disable.within(connection, user.uid)
        elif not user.otp:
            await second_factors.delete_factor(connection, user.uid)  # a secret that was told
        await revoke.all_sessions(connection, self.outbox, user, but=sid)
        return user, not stays
