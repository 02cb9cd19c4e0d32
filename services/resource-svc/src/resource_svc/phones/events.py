"""The events of phones."""

from typing import Literal

from resource_svc.phones.models import Phone
from shared.contracts.events import Event, without_nulls
from shared.contracts.users import User

Happening = Literal["created", "updated", "deleted"]


def phone_event(happening: Happening, phone: Phone, user: User) -> Event:
    """What happened to a phone."""
    return Event(
        name=f"model.phone.{happening}",
        record={"user": user.to_event(), **without_nulls(phone.to_public())},
        snapshot={"language": user.language},
    )
