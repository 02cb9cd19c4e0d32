"""The client of oauth-svc's internal API."""

from shared.clients.internal_api import InternalApi, segment
from shared.contracts.services import OAUTH
from shared.tokens.service import ServiceTokens


class OAuthClient(InternalApi):
    """Every call raises `Unavailable` when oauth-svc cannot answer."""

    def __init__(self, url: str, tokens: ServiceTokens) -> None:
        super().__init__(url, OAUTH, tokens)

    async def require_grant(self, grant_id: str) -> None:
        """Returns if the grant is in force; raises `NotFound` if it was revoked."""
        await self.call("GET", f"/grants/{segment(grant_id)}")
