"""Forgets a user whom identity-svc has erased."""

from dataclasses import dataclass

from admin_svc.activities.use_cases import Activities
from admin_svc.audit.models import ERASURE
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.directory.use_cases import Directory
from shared.contracts.events import ReceivedEvent
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class EraseUser:
    """The reaction to `system.user.erased`, which may be repeated.

    That he was here stays known, and who did what to whom and when; not from where, nor what was
    said. First the mark is set that keeps what is told late from being kept, then what was kept
    goes: so nothing comes in between. The event is handled when all of it is gone; whatever dies
    before is gone on with when the event comes again.
    """

    database: Database
    directory: Directory
    activities: Activities
    audit: AuditTrail

    async def __call__(self, event: ReceivedEvent) -> None:
        """Erases the user that the event names."""
        uid = str(event.record["uid"])
        async with self.database.transaction() as connection:
            await self.directory.erase(connection, uid)
        await self.activities.erase(uid)
        await self.audit.erase(uid, ERASURE)
