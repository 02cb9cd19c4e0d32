"""Removing a restriction."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.policy.change import ChangePolicy
from admin_svc.restrictions import store
from admin_svc.restrictions.rules import RestrictionNotFound


@dataclass(frozen=True, slots=True)
class RemoveRestriction:
    """Removes one restriction from the policy."""

    change_policy: ChangePolicy

    async def __call__(self, author: Author, restriction_id: int) -> None:
        """Raises `RestrictionNotFound`."""
        async with self.change_policy(author) as change:
            removed = await store.delete_restriction(change.connection, restriction_id)
            if removed is None:
                raise RestrictionNotFound
            change.tell(removed.event("deleted"))
