"""Lists and revokes a user's own sessions."""

import uuid
from dataclasses import dataclass
from typing import Any

from resource_svc.core import Core
from shared.clients.identity import IdentityClient
from shared.errors import NotFound
from shared.web.pagination import MAX_LIMIT, PageForm


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions that identity-svc stores."""

    identity: IdentityClient

    async def list(self, uid: str, page: PageForm) -> tuple[list[dict[str, Any]], int]:
        """A page of the user's living sessions, the newest first, and how many there are.

        Raises `Unavailable`.
        """
        return await self.identity.sessions_of(uid, page.page or 1, page.limit or MAX_LIMIT)

    async def revoke(self, uid: str, session: str) -> None:
        """Ends a session; gateways drop it at once.

        Raises `NotFound` when the user has no such session, or `Unavailable`.
        """
        try:
            await self.identity.revoke_session_of(uid, str(uuid.UUID(session)))
        except (ValueError, NotFound):
            raise NotFound from None


def build(core: Core) -> Sessions:
    """The use cases of sessions."""
    return Sessions(core.identity)
