"""Lists a user's API keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.api_keys import store
from resource_svc.api_keys.api_key import ApiKey
from resource_svc.users.find_user import FindUser
from shared.database.pool import Database
from shared.web.pagination import PageForm


@dataclass(frozen=True, slots=True)
class ListApiKeys:
    """One page of them, the oldest first; without a second factor they are not shown."""

    database: Database
    find_user: FindUser

    async def __call__(self, uid: str, page: PageForm) -> tuple[Sequence[ApiKey], int]:
        """The keys of the page, and how many there are; raises `NotFound`."""
        if not (await self.find_user(uid)).otp:
            return (), 0
        async with self.database.connection() as connection:
            keys = await store.api_keys_of(connection, uid, *page.window)
            return keys, await store.number_of_api_keys(connection, uid)


@dataclass(frozen=True, slots=True)
class ListAllApiKeys:
    """All of them, the oldest first, whether or not he has a second factor."""

    database: Database

    async def __call__(self, uid: str) -> Sequence[ApiKey]:
        """None at all for a user that nobody knows."""
        async with self.database.connection() as connection:
            return await store.api_keys_of(
                connection, uid, await store.number_of_api_keys(connection, uid), 0
            )
