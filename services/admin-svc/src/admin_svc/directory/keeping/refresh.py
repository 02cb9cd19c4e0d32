"""Shows an administrator their own change in their next call."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from admin_svc.directory.keeping.put import put
from shared.contracts.attachments import AttachmentSet
from shared.contracts.users import User
from shared.database.pool import Database
from shared.errors import Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RefreshUser:
    """Puts what an owner has answered, without waiting for its events.

    Called after the change is made. Nothing is lost when it fails: the events do the same.
    """

    database: Database

    async def __call__(self, user: User, sets: Sequence[AttachmentSet] = ()) -> None:
        """The user and these sets are in the directory, or something newer."""
        try:
            async with self.database.transaction() as connection:
                await put(connection, [user], sets)
        except Unavailable as error:
            log.warning("directory_awaits_events", uid=user.uid, reason=str(error))
