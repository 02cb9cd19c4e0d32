"""Has resource-svc change something that a user has attached."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from admin_svc.audit.author import Author
from admin_svc.audit.record import RecordAttempt
from admin_svc.directory.use_cases import Directory
from admin_svc.users.errors import UserNotFound
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class ChangeAttachment:
    """The change is recorded, and seen in the directory at once.

    Who may change whom is decided at resource-svc, in the transaction that makes the change.
    """

    record: RecordAttempt
    directory: Directory

    async def __call__(
        self,
        author: Author,
        action: str,
        uid: str,
        wanted: Mapping[str, Any],
        ask: Callable[[Administrator], Awaitable[ChangedAttachment]],
    ) -> ChangedAttachment:
        """What `ask` answers.

        Raises what `ask` raises, but `UserNotFound` for a `NotFound` that does not say what is
        missing.
        """
        by = Administrator(author.uid or "", author.role)
        async with self.record(author, action, uid, wanted) as attempt:
            try:
                changed = await ask(by)
            except NotFound as refused:
                raise (UserNotFound if refused.codes == NotFound.codes else refused) from None
            attempt.done(before=changed.before, after=changed.after)
        await self.directory.refresh(changed.user, changed.sets)
        return changed
