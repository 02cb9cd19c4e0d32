"""Tells of a change to a phone, in the transaction that makes it."""

from resource_svc.attachments.events import with_set
from resource_svc.phones import store
from resource_svc.phones.events import Happening, phone_event
from resource_svc.phones.phone import Phone
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


async def tell(
    connection: Connection, outbox: Outbox, happening: Happening, phone: Phone, user: User
) -> None:
    """Writes the event of a change that was counted before."""
    (phones,) = await store.sets_of(connection, [phone.uid])
    await outbox.add(connection, with_set(phone_event(happening, phone, user), phones))
