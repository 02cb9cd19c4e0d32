"""The client of admin-svc's internal API."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from shared.clients.internal_api import InternalApi, segment
from shared.contracts.activities import CATEGORIES, Activity, ActivityPage
from shared.contracts.policy import Policy
from shared.contracts.services import ADMIN
from shared.tokens.service import ServiceTokens


class AdminClient(InternalApi):
    """Every call raises `Unavailable` when admin-svc cannot answer."""

    def __init__(self, url: str, tokens: ServiceTokens) -> None:
        super().__init__(url, ADMIN, tokens)

    async def policy_other_than(self, known: int | None) -> Policy | None:
        """Permissions and restrictions; None where `known` is still their version."""
        query = "" if known is None else f"?known={known}"
        answer = await self.call("GET", f"/policy{query}")
        return None if answer is None else Policy.of(answer)

    async def use_whitelink(self, token: str, address: str) -> None:
        """Whitelists `address` for the holder of a whitelink.

        Raises `NotFound` for an unknown or expired token, `Invalid` for one that is whitelisted.
        """
        await self.call("POST", "/whitelinks/use", {"token": token, "address": address})

    async def record(self, activity: Activity) -> None:
        """Records an activity; a repetition changes nothing."""
        body = {"activity": activity.to_internal()}
        await self.call("POST", "/activities", body, repeatable=True)

    async def activities_of(
        self, uid: str, topic: str | None, page: int, limit: int
    ) -> ActivityPage:
        """A page of what a user did about their account, the newest first.

        Without a topic, of all topics. Raises `Invalid` for a page that lies too deep.
        """
        query = {"page": page, "limit": limit, **({"topic": topic} if topic else {})}
        path = f"/users/{segment(uid)}/activities?{urlencode(query)}"
        return ActivityPage.of(await self.call("GET", path))

    async def activities(self, uid: str) -> AsyncIterator[list[dict[str, Any]]]:
        """All activities of a user by category, in batches of `StoredActivity.to_internal()`."""
        for category in CATEGORIES:
            cursor: str | None = ""
            while cursor is not None:
                query = urlencode({"cursor": cursor})
                path = f"/users/{segment(uid)}/activities/{category}?{query}"
                answer = await self.call("GET", path)
                yield answer["activities"]
                cursor = answer["cursor"]
