"""The client of resource-svc's internal API."""

from typing import Any

from shared.clients.internal_api import InternalApi, segment
from shared.contracts.api_keys import SigningKey
from shared.contracts.labels import PrivateLabels
from shared.contracts.services import RESOURCE
from shared.contracts.users import User
from shared.tokens.service import ServiceTokens


class ResourceClient(InternalApi):
    """Every call raises `Unavailable` when resource-svc cannot answer."""

    def __init__(self, url: str, tokens: ServiceTokens) -> None:
        super().__init__(url, RESOURCE, tokens)

    async def put_private_label(self, uid: str, key: str, value: str) -> PrivateLabels:
        """All private labels of the user, now with this one; again it changes nothing."""
        path = f"/users/{segment(uid)}/labels/{segment(key)}"
        return PrivateLabels.of(await self.call("PUT", path, {"value": value}))

    async def attachments(self, user: User) -> dict[str, Any]:
        """A user's labels, phones, profiles and data storages, as the public API shows them.

        resource-svc knows the user as he is here from now on.
        """
        answer: dict[str, Any] = await self.call("PUT", "/users", {"user": user.snapshot()})
        return answer

    async def api_key(self, kid: str) -> SigningKey:
        """An API key with its secret, in whatever state; raises `NotFound`."""
        return SigningKey.of(await self.call("GET", f"/api_keys/{segment(kid)}"))
