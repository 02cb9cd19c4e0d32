"""Lists a user's API keys, whether he may use them or not."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.api_keys import store
from resource_svc.api_keys.api_key import ApiKey
from resource_svc.users.find_user import FindUser
from shared.database.pool import Database
from shared.web.pagination import PageForm


@dataclass(frozen=True, slots=True)
class ListAnyApiKeys:
    """One page of them, the oldest first, for an administrator."""

    database: Database
    find_user: FindUser

    async def __call__(self, uid: str, page: PageForm) -> tuple[Sequence[ApiKey], int]:
        """The keys of the page, and how many there are; raises `NotFound`."""
        await self.find_user(uid)
        async with self.database.connection() as connection:
            keys = await store.api_keys_of(connection, uid, *page.window)
            return keys, await store.number_of_api_keys(connection, uid)
