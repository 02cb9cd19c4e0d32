"""The events of passwords."""

from shared.contracts.catalogue import PASSWORD_CHANGED
from shared.contracts.events import Event
from shared.contracts.records import UserAndDomain
from shared.contracts.users import User


def password_changed(user: User, domain: str) -> Event:
    """Somebody who knew the old password set a new one."""
    record = UserAndDomain(user=user.to_event(), domain=domain)
    return PASSWORD_CHANGED.event(record, snapshot=user.to_internal())
