"""Lists what a user did about his account."""

from dataclasses import dataclass

from shared.clients.admin import AdminClient
from shared.contracts.activities import ActivityPage
from shared.errors import Invalid


class NoActivity(Invalid):
    """There is none of this topic."""

    codes = ("resource.user.no_activity",)


class PageTooDeep(Invalid):
    """The page lies deeper in the list than admin-svc reads."""

    codes = ("resource.user.page_too_deep",)


@dataclass(frozen=True, slots=True)
class ListActivities:
    """Of this user alone; admin-svc keeps them."""

    admin: AdminClient

    async def __call__(self, uid: str, topic: str | None, page: int, limit: int) -> ActivityPage:
        """A page, the newest first; without a topic, of all.

        Raises `NoActivity` where there are none, `PageTooDeep`, or `Unavailable`.
        """
        try:
            found = await self.admin.activities_of(uid, topic, page, limit)
        except Invalid:  # the form has seen to all else that could be
            raise PageTooDeep from None
        if not found.total.number:
            raise NoActivity
        return found
