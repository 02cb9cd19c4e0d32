"""The events of phones."""

from typing import Literal

from resource_svc.phones.models import Phone
from shared.contracts.catalogue import PHONES
from shared.contracts.events import Event
from shared.contracts.records import PhoneRecord
from shared.contracts.users import User

Happening = Literal["created", "updated", "deleted"]


def phone_event(happening: Happening, phone: Phone, user: User) -> Event:
    """What happened to a phone."""
    record = PhoneRecord(user=user.to_event(), **phone.to_public())
    return PHONES[happening].event(record, snapshot={"language": user.language})
