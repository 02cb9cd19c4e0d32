"""Lists what a user did in their account."""

from dataclasses import dataclass

from resource_svc.activities.models import NoActivity, PageTooDeep
from resource_svc.core import Core
from shared.clients.admin import AdminClient
from shared.contracts.activities import ActivityPage
from shared.errors import Invalid


@dataclass(frozen=True, slots=True)
class Activities:
    """The activities that admin-svc stores."""

    admin: AdminClient

    async def list(self, uid: str, topic: str | None, page: int, limit: int) -> ActivityPage:
        """A page of the user's activities, the newest first; without a topic, of all.

        Raises `NoActivity` where there are none, `PageTooDeep`, or `Unavailable`.
        """
        try:
            found = await self.admin.activities_of(uid, topic, page, limit)
        except Invalid:  # the form has checked everything else
            raise PageTooDeep from None
        if not found.total.number:
            raise NoActivity
        return found


def build(core: Core) -> Activities:
    """The use cases of activities."""
    return Activities(core.admin)
