"""Has identity-svc draw its conclusions from private labels at once."""

from dataclasses import dataclass

import structlog

from resource_svc.users.keep_user import KeepUser
from shared.clients.identity import IdentityClient
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.errors import NotFound, Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ApplyLabels:
    """For callers whose answer should already show the new state and level.

    Called after the commit. Nothing is lost when it fails: the event of the change does the same.
    """

    identity: IdentityClient
    keep_user: KeepUser

    async def __call__(self, labels: PrivateLabels) -> User | None:
        """The user that identity-svc made of these labels, or None until it does.

        The replica knows them from now on.
        """
        try:
            user = await self.identity.apply_labels(labels)
        except (Unavailable, NotFound) as error:
            log.warning("labels_await_their_event", uid=labels.uid, reason=str(error))
            return None
        return await self.keep_user(user)
