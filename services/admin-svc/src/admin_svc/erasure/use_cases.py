"""Forgetting users whom identity-svc has erased."""

from dataclasses import dataclass

from admin_svc.activities.use_cases import Activities
from admin_svc.audit.models import ERASURE
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.core import Core
from admin_svc.directory.use_cases import Directory
from shared.contracts.events import ReceivedEvent
from shared.database.pool import Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Erasure:
    """Deletes what admin-svc has about an erased user.

    It is still known that the user existed, and who did what to whom and when; but not from where,
    nor the contents of changes.
    """

    database: Database
    outbox: Outbox
    directory: Directory
    activities: Activities
    audit: AuditTrail

    async def erase(self, event: ReceivedEvent) -> None:
        """The reaction to `system.user.erased`, which may be repeated.

        First it sets a mark, by which later messages about the user are stored without personal
        data. Then it deletes what is stored, so that nothing comes in between. It returns when
        all is deleted; after a crash, the repeated event resumes it.
        """
        uid = str(event.record["uid"])
        async with self.database.transaction() as connection:
            await self.directory.erase(connection, uid)
            await self.outbox.forget(connection, uid)
        await self.activities.erase(uid)
        await self.audit.erase(uid, ERASURE)


def build(core: Core, directory: Directory, activities: Activities, audit: AuditTrail) -> Erasure:
    """Wires the feature."""
    return Erasure(core.database, core.outbox, directory, activities, audit)
