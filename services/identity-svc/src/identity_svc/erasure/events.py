"""The event of an erasure."""

from shared.contracts.events import Event


def user_erased(uid: str) -> Event:
    """Whoever keeps anything of this user is to forget it."""
    return Event(name="system.user.erased", record={"uid": uid})
