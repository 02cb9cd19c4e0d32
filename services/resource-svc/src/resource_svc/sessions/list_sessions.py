"""Lists the caller's sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.clients.identity import IdentityClient
from shared.web.answers import seconds
from shared.web.pagination import MAX_LIMIT, PageForm


@dataclass(frozen=True, slots=True)
class ListSessions:
    """One page of the living ones, the newest first."""

    identity: IdentityClient

    async def __call__(
        self, uid: str, current: str | None, page: PageForm
    ) -> tuple[list[dict[str, Any]], int]:
        """The sessions of the page, as the public API shows them, and how many there are.

        `current` is the sid of the one that asks, None for an API key. Raises `Unavailable`.
        """
        sessions, total = await self.identity.sessions_of(
            uid, page.page or 1, page.limit or MAX_LIMIT
        )
        return [_shown(each, current) for each in sessions], total


def _shown(session: dict[str, Any], current: str | None) -> dict[str, Any]:
    """`id`, where it was opened from and with what, its times, and whether it is the caller's.

    `expires_at` is when it ends unless it is used before.
    """
    return {
        "id": session["sid"],
        "user_ip": session["address"],
        "user_agent": session["user_agent"],
        "current": session["sid"] == current,
        "created_at": seconds(datetime.fromisoformat(session["created_at"])),
        "expires_at": seconds(datetime.fromisoformat(session["expires_at"])),
    }
