"""Issues a code for a phone, as often as that is allowed."""

import math
from dataclasses import dataclass

from resource_svc.phones import store
from resource_svc.phones.codes import Codes
from resource_svc.phones.phone import Phone
from resource_svc.phones.rules import CODE_SECONDS, PER_NUMBER, PER_USER
from shared.database.pool import Connection
from shared.errors import Throttled


@dataclass(frozen=True, slots=True)
class IssueCode:
    """Limits what is sent per user, and per number whoever asks: messages cost, and annoy."""

    codes: Codes

    async def within(self, connection: Connection, phone: Phone) -> str:
        """The code to send, for a user and number that are locked; raises `Throttled`."""
        wait = max(
            await store.wait_for(connection, "number", phone.number, PER_NUMBER),
            await store.wait_for(connection, "uid", phone.uid, PER_USER),
        )
        if wait:
            raise Throttled(math.ceil(wait))
        code = self.codes.new()
        await store.record_send(connection, phone)
        await store.set_code(connection, phone, self.codes.digest(phone, code), CODE_SECONDS)
        return code
