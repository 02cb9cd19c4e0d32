"""The event of a deleted account."""

from shared.contracts.catalogue import ACCOUNT_DELETED
from shared.contracts.events import Event
from shared.contracts.records import UserAlone
from shared.contracts.users import User


def account_deleted(user: User) -> Event:
    """A user deleted their account: the state says so, the record stays."""
    return ACCOUNT_DELETED.event(UserAlone(user=user.to_event()), snapshot=user.to_internal())
