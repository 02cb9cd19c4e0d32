"""Changes one thing about a user."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.directory.use_cases import Directory
from admin_svc.users.errors import UserNotFound
from shared.clients.resource import ResourceClient
from shared.contracts.administration import Administrator, ChangedUser
from shared.contracts.users import User
from shared.errors import NotFound, Refusal, Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ChangeUser:
    """Has identity-svc make a change, which is recorded, and seen in the directory at once.

    Who may change whom is decided there, under the lock under which the change is made.
    """

    audit: AuditTrail
    resource: ResourceClient
    directory: Directory

    async def __call__(
        self,
        actor: Actor,
        uid: str,
        attribute: str,
        wanted: object,
        ask: Callable[[Administrator], Awaitable[ChangedUser]],
        unchanged: Refusal,
    ) -> User:
        """The user as they are now; raises `unchanged`, `UserNotFound` or what `ask` raises."""
        by = Administrator(actor.uid or "", actor.role)
        async with self.audit.audited_change(
            actor, f"user.{attribute}", uid, {attribute: wanted}
        ) as audited:
            try:
                changed = await ask(by)
            except NotFound:
                raise UserNotFound from None
            old, new = getattr(changed.before, attribute), getattr(changed.after, attribute)
            if changed.before.version == changed.after.version:
                raise unchanged
            audited.done(before={attribute: old}, after={attribute: new})
        await self._tell(changed.after)
        await self.directory.refresh(changed.after)
        return changed.after

    async def _tell(self, user: User) -> None:
        """Resource-svc knows before this answers: what it is about to write of a banned user fails.

        Nothing is lost when it cannot be told: the event of the change does the same.
        """
        try:
            await self.resource.keep_user(user)
        except (Unavailable, NotFound) as error:
            log.warning("replica_awaits_event", uid=user.uid, reason=str(error))
