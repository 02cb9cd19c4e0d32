"""Lets a client's address in, on the word of a whitelink."""

from dataclasses import dataclass

from identity_svc.access.errors import InvalidWhitelink
from shared.clients.admin import AdminClient
from shared.contracts.activities import Client
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class UseWhitelink:
    """Whitelinks and what they open are admin-svc's; here is the door that everybody reaches."""

    admin: AdminClient

    async def __call__(self, token: str, client: Client) -> None:
        """Raises `InvalidWhitelink`, `Invalid` with admin-svc's codes, or `Unavailable`."""
        try:
            await self.admin.use_whitelink(token, str(client.ip))
        except NotFound:
            raise InvalidWhitelink from None
