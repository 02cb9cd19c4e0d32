"""The client of admin-svc's internal API."""

from shared.clients.internal_api import InternalApi
from shared.contracts.policy import Policy
from shared.contracts.services import ADMIN
from shared.tokens.service import ServiceTokens


class AdminClient(InternalApi):
    """Every call raises `Unavailable` when admin-svc cannot answer."""

    def __init__(self, url: str, tokens: ServiceTokens) -> None:
        super().__init__(url, ADMIN, tokens)

    async def policy(self) -> Policy:
        """The permissions table as it is now."""
        return Policy.of(await self.call("GET", "/policy"))

    async def use_whitelink(self, token: str, address: str) -> None:
        """Lets `address` in for good, on the word of a whitelink.

        Raises `NotFound` for an unknown or expired token, `Invalid` for an address that is in.
        """
        await self.call("POST", "/whitelinks/use", {"token": token, "address": address})
