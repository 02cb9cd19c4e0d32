"""Sends another code to a phone."""

from dataclasses import dataclass

from resource_svc.phones import store
from resource_svc.phones.destinations import Destinations
from resource_svc.phones.errors import InvalidChannel
from resource_svc.phones.issue_code import IssueCode
from resource_svc.phones.number import PhoneNumber
from resource_svc.phones.provider import Provider
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_actor
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class SendCode:
    """A new code for a phone that its user has added; the last one is void."""

    database: Database
    find_user: FindUser
    destinations: Destinations
    issue_code: IssueCode
    provider: Provider

    async def __call__(self, uid: str, text: str, channel: str) -> None:
        """Raises what is in `phones.errors`, `Throttled` or `Unavailable`."""
        if channel not in self.provider.channels:
            raise InvalidChannel
        number = PhoneNumber.parse(text)
        self.destinations.refuse(number)
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            await lock_actor(connection, uid)
            await store.lock(connection, uid, number.digits)
            await store.refuse_verified(connection, number.digits)
            phone = await store.phone_by_number(connection, uid, number.digits)
            code = await self.issue_code.within(connection, phone)
        await self.provider.send(number.e164, code, channel)
