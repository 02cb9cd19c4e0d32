"""Gives a user another password, as part of a transaction under way."""

import uuid
from dataclasses import dataclass

from identity_svc.mail_tokens import tokens
from identity_svc.passwords import store
from identity_svc.sessions import revoke
from identity_svc.users.events import user_updated
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class SetPassword:
    """What stood on the old password ends with it: sessions, and tokens for a new one."""

    outbox: Outbox

    async def __call__(
        self, connection: Connection, uid: str, digest: str, *, but: uuid.UUID | None = None
    ) -> User:
        """The user as he is now; his session `but` goes on."""
        user = await store.set_password(connection, uid, digest)
        await tokens.forget(connection, uid, tokens.RESET)
        # The password is no part of the record, so there are no old values to tell.
        await self.outbox.add(connection, user_updated(user, {}))
        await revoke.all_sessions(connection, self.outbox, user, but=but)
        return user
