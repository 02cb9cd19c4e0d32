"""Lists a user's API keys."""

from dataclasses import dataclass
from typing import Any

from admin_svc.users.errors import UserNotFound
from shared.clients.resource import ResourceClient
from shared.errors import NotFound
from shared.web.pagination import MAX_LIMIT, PageForm


@dataclass(frozen=True, slots=True)
class ListApiKeys:
    """In whatever state they are, without secrets."""

    resource: ResourceClient

    async def __call__(self, uid: str, page: PageForm) -> tuple[list[dict[str, Any]], int]:
        """The keys of the page, and how many there are; raises `UserNotFound`."""
        try:
            return await self.resource.api_keys_of(uid, page.page or 1, page.limit or MAX_LIMIT)
        except NotFound:
            raise UserNotFound from None
