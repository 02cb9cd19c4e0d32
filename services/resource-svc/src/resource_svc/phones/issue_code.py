"""Issues a code for a phone, as often as that is allowed."""

import math
from dataclasses import dataclass

from prometheus_client import Counter

from resource_svc.phones import store
from resource_svc.phones.codes import Codes
from resource_svc.phones.errors import CeilingReached
from resource_svc.phones.phone import Phone
from resource_svc.phones.rules import (
    CODE_SECONDS,
    HOUR,
    PER_NUMBER,
    PER_USER,
    PER_USER_AND_NUMBER,
    Limit,
)
from shared.database.pool import Connection
from shared.errors import Throttled


@dataclass(frozen=True, slots=True)
class IssueCode:
    """Limits what is sent: messages cost, and annoy.

    Per user and number, so that nobody uses up what the owner of a number may ask for; per number,
    so that many together do not flood it; per user; and over all users, `per_hour` if it is not 0.
    """

    codes: Codes
    per_hour: int
    counter: Counter

    async def within(self, connection: Connection, phone: Phone) -> str:
        """The code to send, for a user and number that are locked.

        Raises `Throttled` or `CeilingReached`.
        """
        await self._refuse(connection, phone)
        code = self.codes.new()
        await store.record_send(connection, phone)
        await store.set_code(connection, phone, self.codes.digest(phone, code), CODE_SECONDS)
        self.counter.labels("issued").inc()
        return code

    async def _refuse(self, connection: Connection, phone: Phone) -> None:
        uid, number = phone.uid, phone.number
        own = max(
            await store.wait_for(connection, PER_USER_AND_NUMBER, uid=uid, number=number),
            await store.wait_for(connection, PER_USER, uid=uid),
        )
        if own:
            self.counter.labels("user").inc()
            raise Throttled(math.ceil(own))
        if wait := await store.wait_for(connection, PER_NUMBER, number=number):
            self.counter.labels("number").inc()
            raise Throttled(math.ceil(wait))
        if not self.per_hour:
            return
        await store.lock_ceiling(connection)
        if wait := await store.wait_for(connection, [Limit(self.per_hour, HOUR)]):
            self.counter.labels("ceiling").inc()
            raise CeilingReached(math.ceil(wait))
