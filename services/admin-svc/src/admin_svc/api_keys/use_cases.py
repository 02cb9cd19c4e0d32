"""Reading API keys of users, at resource-svc."""

from dataclasses import dataclass
from typing import Any

from admin_svc.core import Core
from admin_svc.directory.models import UserNotFound
from shared.clients.resource import ResourceClient
from shared.errors import NotFound
from shared.web.pagination import MAX_LIMIT, PageForm


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """API keys in any state, without their secrets."""

    resource: ResourceClient

    async def list_page(self, uid: str, page: PageForm) -> tuple[list[dict[str, Any]], int]:
        """One page of a user's keys, and the number of all; raises `UserNotFound`."""
        try:
            return await self.resource.api_keys_of(uid, page.page or 1, page.limit or MAX_LIMIT)
        except NotFound:
            raise UserNotFound from None


def build(core: Core) -> ApiKeys:
    """Wires the feature."""
    return ApiKeys(core.resource)
