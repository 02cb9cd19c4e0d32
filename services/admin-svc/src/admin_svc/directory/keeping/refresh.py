"""Shows an administrator his own change in his next call."""

from dataclasses import dataclass

import structlog

from admin_svc.directory.keeping.put import put
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.database.pool import Database
from shared.errors import NotFound, Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RefreshUser:
    """Asks the owners for a user and all that is his, without waiting for their events.

    Called after the change is made. Nothing is lost when it fails: the events do the same.
    """

    database: Database
    identity: IdentityClient
    resource: ResourceClient

    async def __call__(self, uid: str) -> None:
        """Whatever the owners say now is in the directory, or something newer."""
        try:
            user = await self.identity.user(uid)
            sets = await self.resource.attachment_sets([uid])
            async with self.database.transaction() as connection:
                await put(connection, [user], sets)
        except (Unavailable, NotFound) as error:
            log.warning("directory_awaits_events", uid=uid, reason=str(error))
