"""Access by whitelink."""

from dataclasses import dataclass

from identity_svc.access.models import InvalidWhitelink
from identity_svc.core import Core
from shared.clients.admin import AdminClient
from shared.contracts.activities import Client
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class Access:
    """Whitelinks and the restrictions that they lift belong to admin-svc, which is asked."""

    admin: AdminClient

    async def use_whitelink(self, token: str, client: Client) -> None:
        """Lets the client's address in.

        Raises `InvalidWhitelink`, `Invalid` with admin-svc's codes, or `Unavailable`.
        """
        try:
            await self.admin.use_whitelink(token, str(client.ip))
        except NotFound:
            raise InvalidWhitelink from None


def build(core: Core) -> Access:
    """Access, by admin-svc."""
    return Access(core.admin)
