"""Gives any label of a user another value or description."""

from dataclasses import dataclass

from resource_svc.labels import rules, store
from resource_svc.labels.changed_label import ChangedLabel
from resource_svc.labels.label import PRIVATE
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_user
from shared.database.pool import Database
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class ChangeAnyLabel:
    """A change by an administrator; what the label is already is no change.

    A judgement on documents is announced each time it is given.
    """

    database: Database
    tell: TellOfLabel
    find_user: FindUser

    async def __call__(
        self,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
        *,
        or_add: bool,
    ) -> ChangedLabel:
        """The label before and after; a description that is None stays.

        One that is not there is added with `or_add`. Raises `Invalid` or `NotFound`.
        """
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_user(connection, uid)
            await store.lock_labels(connection, uid)
            before = await store.label_in_scope(connection, uid, scope, key)
            if before is None and not or_add:
                raise NotFound
            rules.check_any(scope=scope, key=key, value=value, description=description)
            if before is None:
                after = await store.insert_label(connection, uid, scope, key, value, description)
                labels = await self.tell(connection, "created", after, user)
                return ChangedLabel(None, after, labels if scope == PRIVATE else None)
            wanted = (value, before.description if description is None else description)
            if wanted == (before.value, before.description):
                await self.tell.again(connection, before, user)
                return ChangedLabel(before, before)
            after = await store.set_label(connection, before, *wanted)
            old = {
                name: getattr(before, name)
                for name in ("value", "description")
                if getattr(before, name) != getattr(after, name)
            }
            labels = await self.tell(connection, "updated", after, user, old)
        return ChangedLabel(before, after, labels if scope == PRIVATE else None)
