"""Makes and uses up recovery codes, as steps of others' transactions."""

from dataclasses import dataclass
from datetime import datetime

from identity_svc.core import Core
from identity_svc.recovery_codes import store
from identity_svc.recovery_codes.events import code_used, codes_created
from identity_svc.recovery_codes.models import (
    CODES,
    RecoveryCodes,
    Remaining,
    digest_of,
    is_recovery_code,
    new_code,
)
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Recovery:
    """The codes of locked users. The caller knows that the user has a factor that may be lost."""

    database: Database
    outbox: Outbox
    domain: str

    async def create(self, connection: Connection, user: User, client: Client) -> RecoveryCodes:
        """New codes, in place of all earlier ones."""
        codes = [new_code() for _ in range(CODES)]
        await store.replace_codes(connection, user.uid, [digest_of(user.uid, c) for c in codes])
        await self.outbox.add(connection, codes_created(user, self.domain, client))
        return RecoveryCodes(codes)

    async def use(self, connection: Connection, user: User, code: str, client: Client) -> bool:
        """Whether this was one of the user's codes, which is used up then."""
        if not is_recovery_code(code):
            return False
        if not await store.use_code(connection, user.uid, digest_of(user.uid, code)):
            return False
        left = await store.remaining(connection, user.uid)
        await self.outbox.add(connection, code_used(user, self.domain, client, left.number))
        return True

    async def get_remaining(self, uid: str) -> Remaining:
        """How many codes the user has."""
        async with self.database.connection() as connection:
            return await store.remaining(connection, uid)

    async def discard_made_since(self, connection: Connection, uid: str, moment: datetime) -> None:
        """Deletes the user's codes if they were made at this moment or later."""
        await store.delete_made_since(connection, uid, moment)

    async def discard(self, connection: Connection, uid: str) -> None:
        """Deletes the user's codes."""
        await store.delete_codes(connection, uid)


def build(core: Core) -> Recovery:
    """The recovery codes of this installation."""
    return Recovery(core.database, core.outbox, core.settings.domain)
