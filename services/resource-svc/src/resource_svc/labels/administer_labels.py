"""Labels of a user, as administrators add, change and delete them."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.labels import rules, store
from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.errors import LabelNotFound
from resource_svc.labels.label import PRIVATE, Label
from resource_svc.labels.tell import TellOfLabel, private_labels
from resource_svc.users.transactions import UserTransactions
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.contracts.attachments import AttachmentSet
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class AdministerLabels:
    """Labels of both scopes, of users whom the administrator may change.

    Answers show the user after the label, with all labels that they have now.
    """

    transactions: UserTransactions
    tell: TellOfLabel
    apply_labels: ApplyLabels

    async def add(
        self,
        by: Administrator,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
    ) -> ChangedAttachment:
        """A new label.

        Raises `Invalid`, `LabelKeyTaken` or what `UserTransactions.of_subject` raises.
        """
        async with self.transactions.of_subject(uid, by) as (connection, user):
            rules.check_any(scope=scope, key=key, value=value, description=description)
            await store.lock_labels(connection, uid)
            label = await store.insert_label(connection, uid, scope, key, value, description)
            labels = await self.tell(connection, "created", label, user)
        return await self._changed(None, label, user, labels)

    async def change(
        self,
        by: Administrator,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
        *,
        or_add: bool,
    ) -> ChangedAttachment:
        """Another value or description; a description that is None stays.

        A label that is not there is added with `or_add`. What the label is already is no change,
        but a judgement on documents is announced each time it is given. Raises `Invalid`,
        `LabelNotFound` or what `UserTransactions.of_subject` raises.
        """
        async with self.transactions.of_subject(uid, by) as (connection, user):
            await store.lock_labels(connection, uid)
            before = await store.label_in_scope(connection, uid, scope, key)
            if before is None and not or_add:
                raise LabelNotFound
            rules.check_any(scope=scope, key=key, value=value, description=description)
            if before is None:
                after = await store.insert_label(connection, uid, scope, key, value, description)
                labels = await self.tell(connection, "created", after, user)
            else:
                wanted = (value, before.description if description is None else description)
                if wanted == (before.value, before.description):
                    await self.tell.again(connection, before, user)
                    return _answer(before, before, user, ())
                after = await store.set_label(connection, before, *wanted)
                old = {
                    name: getattr(before, name)
                    for name in ("value", "description")
                    if getattr(before, name) != getattr(after, name)
                }
                labels = await self.tell(connection, "updated", after, user, old)
        return await self._changed(before, after, user, labels)

    async def delete(self, by: Administrator, uid: str, scope: str, key: str) -> ChangedAttachment:
        """A label less; raises `LabelNotFound` or what `UserTransactions.of_subject` raises."""
        async with self.transactions.of_subject(uid, by) as (connection, user):
            await store.lock_labels(connection, uid)
            label = await store.label_in_scope(connection, uid, scope, key)
            if label is None:
                raise LabelNotFound
            await store.delete_label(connection, label)
            labels = await self.tell(connection, "deleted", label, user)
        return await self._changed(label, None, user, labels)

    async def _changed(
        self, before: Label | None, after: Label | None, user: User, labels: AttachmentSet
    ) -> ChangedAttachment:
        """Called after the commit: identity-svc makes state and level of private labels at once."""
        label = after or before
        if label is not None and label.scope == PRIVATE:
            user = await self.apply_labels(private_labels(labels)) or user
        return _answer(before, after, user, (labels,))


def _answer(
    before: Label | None, after: Label | None, user: User, sets: Sequence[AttachmentSet]
) -> ChangedAttachment:
    return ChangedAttachment(
        before=before.administered() if before else None,
        after=after.administered() if after else None,
        user=user,
        sets=sets,
    )
