"""Adds a phone."""

from dataclasses import dataclass

from resource_svc.phones import store
from resource_svc.phones.codes import Codes
from resource_svc.phones.destinations import Destinations
from resource_svc.phones.errors import InvalidChannel, TooManyPhones
from resource_svc.phones.issue_code import IssueCode
from resource_svc.phones.number import PhoneNumber
from resource_svc.phones.provider import Provider
from resource_svc.phones.rules import MAX_PHONES
from resource_svc.phones.tell import tell
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_actor, lock_user
from shared.database.pool import Database
from shared.errors import Refusal
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class AddPhone:
    """A number that its user claims, to which a code is sent."""

    database: Database
    outbox: Outbox
    find_user: FindUser
    codes: Codes
    destinations: Destinations
    issue_code: IssueCode
    provider: Provider

    async def __call__(self, uid: str, text: str, channel: str) -> None:
        """Raises what is in `phones.errors`, `Throttled` or `Unavailable`.

        The code is sent after the commit: no transaction waits for a provider. A phone to which
        no code could be sent is forgotten, so that it can be added again.
        """
        if channel not in self.provider.channels:
            raise InvalidChannel
        number = PhoneNumber.parse(text)
        self.destinations.refuse(number)
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            await store.lock(connection, uid, number.digits)
            await store.refuse_verified(connection, number.digits)
            await store.count_change(connection, uid)
            phone = await store.insert_phone(connection, uid, number)
            if await store.number_of_phones(connection, uid) > MAX_PHONES:
                raise TooManyPhones
            code = await self.issue_code.within(connection, phone)
            await tell(connection, self.outbox, "created", phone, user)
        try:
            await self.provider.send(number.e164, code, channel)
        except Refusal:
            async with self.database.transaction() as connection:
                user = await lock_user(connection, uid)
                await store.count_change(connection, uid)
                if await store.delete_unsent(connection, phone, self.codes.digest(phone, code)):
                    await tell(connection, self.outbox, "deleted", phone, user)
            raise
