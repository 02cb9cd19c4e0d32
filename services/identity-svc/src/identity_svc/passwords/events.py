"""The events of passwords."""

from shared.contracts.events import Event
from shared.contracts.users import User


def password_changed(user: User, domain: str) -> Event:
    """Somebody who knew the old password set a new one."""
    return Event(
        name="system.user.password.change",
        record={"user": user.to_event(), "domain": domain},
        snapshot=user.to_internal(),
    )
