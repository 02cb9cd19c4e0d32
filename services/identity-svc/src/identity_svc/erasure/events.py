"""The event of an erasure."""

from shared.contracts.events import Event


def user_erased(uid: str) -> Event:
    """Every service is to delete what it holds of this user."""
    return Event(name="system.user.erased", record={"uid": uid})
