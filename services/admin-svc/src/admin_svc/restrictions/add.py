"""Adding a restriction."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.policy.change import ChangePolicy
from admin_svc.restrictions import store
from admin_svc.restrictions.record import RestrictionRecord
from admin_svc.restrictions.rules import Terms


@dataclass(frozen=True, slots=True)
class AddRestriction:
    """Adds one restriction to the policy."""

    change_policy: ChangePolicy

    async def __call__(self, author: Author, terms: Terms) -> RestrictionRecord:
        """The new restriction; raises `ValueTaken`."""
        async with self.change_policy(author) as change:
            added = await store.insert_restriction(change.connection, terms)
            change.tell(added.event("created"))
        return added
