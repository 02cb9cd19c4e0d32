"""The events of sessions."""

from shared.contracts.events import Event
from shared.contracts.users import User


def session_revoked(user: User, sid: str | None) -> Event:
    """A session of a user ended; without a sid, all of them did."""
    return Event(name="system.session.revoked", record={"user": user.to_event(), "sid": sid})
