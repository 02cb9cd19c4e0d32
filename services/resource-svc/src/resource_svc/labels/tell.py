"""Tells of a change to a label, in the transaction that makes it."""

from resource_svc.attachments.events import with_set
from resource_svc.labels import store
from resource_svc.labels.events import Happening, judgement, label_event
from resource_svc.labels.label import Label
from shared.contracts.events import Record
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


async def tell(
    connection: Connection,
    outbox: Outbox,
    happening: Happening,
    label: Label,
    user: User,
    changes: Record | None = None,
) -> PrivateLabels:
    """Counts the change and writes its event; the private labels as they are after it."""
    await store.count_change(connection, label.uid)
    private_labels = await store.private_labels(connection, label.uid)
    (labels,) = await store.sets_of(connection, [label.uid])
    event = label_event(happening, label, user, private_labels, changes)
    judged = judgement(happening, label, user, changes)
    await outbox.add(connection, with_set(event, labels), *judged)
    return private_labels
