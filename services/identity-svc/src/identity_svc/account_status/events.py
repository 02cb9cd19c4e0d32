"""The event of a deleted account."""

from shared.contracts.events import Event
from shared.contracts.users import User


def account_deleted(user: User) -> Event:
    """A user deleted their account: the state says so, the record stays."""
    return Event(
        name="system.user.account.deleted",
        record={"user": user.to_event()},
        snapshot=user.to_internal(),
    )
