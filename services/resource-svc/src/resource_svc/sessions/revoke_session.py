"""Ends one of the caller's sessions."""

import uuid
from dataclasses import dataclass

from shared.clients.identity import IdentityClient
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """Gateways hear of it at once."""

    identity: IdentityClient

    async def __call__(self, uid: str, session: str) -> None:
        """Raises `NotFound` when he has no such session, or `Unavailable`."""
        try:
            await self.identity.revoke_session_of(uid, str(uuid.UUID(session)))
        except (ValueError, NotFound):
            raise NotFound from None
