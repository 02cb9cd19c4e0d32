"""The events of sessions."""

from shared.contracts.catalogue import SESSION_REVOKED
from shared.contracts.events import Event
from shared.contracts.records import SessionRecord
from shared.contracts.users import User


def session_revoked(user: User, sid: str | None) -> Event:
    """A session of a user ended; without a sid, all of them did."""
    return SESSION_REVOKED.event(SessionRecord(user=user.to_event(), sid=sid))
