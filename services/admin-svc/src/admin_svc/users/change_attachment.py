"""Has resource-svc change something that a user has attached."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.directory.use_cases import Directory
from admin_svc.users.errors import UserNotFound
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class ChangeAttachment:
    """The change is recorded, and seen in the directory at once.

    Who may change whom is decided at resource-svc, in the transaction that makes the change.
    """

    audit: AuditTrail
    directory: Directory

    async def __call__(
        self,
        actor: Actor,
        action: str,
        uid: str,
        wanted: Mapping[str, Any],
        ask: Callable[[Administrator], Awaitable[ChangedAttachment]],
    ) -> ChangedAttachment:
        """What `ask` answers.

        Raises what `ask` raises, but `UserNotFound` for a `NotFound` that does not say what is
        missing.
        """
        by = Administrator(actor.uid or "", actor.role)
        async with self.audit.audited_change(actor, action, uid, wanted) as audited:
            try:
                changed = await ask(by)
            except NotFound as refused:
                raise (UserNotFound if refused.codes == NotFound.codes else refused) from None
            audited.done(before=changed.before, after=changed.after)
        await self.directory.refresh(changed.user, changed.sets)
        return changed
