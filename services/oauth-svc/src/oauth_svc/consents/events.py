"""The events of consents."""

from collections.abc import Sequence

from shared.contracts.catalogue import CONSENT_GRANTED, CONSENT_REVOKED
from shared.contracts.events import Event
from shared.contracts.records import ConsentRecord


def granted(uid: str, client_id: str, scopes: Sequence[str]) -> Event:
    """A user allows a client further scopes."""
    return CONSENT_GRANTED.event(ConsentRecord(uid=uid, client_id=client_id, scopes=sorted(scopes)))


def revoked(uid: str, client_id: str, scopes: Sequence[str]) -> Event:
    """A consent was taken back."""
    return CONSENT_REVOKED.event(ConsentRecord(uid=uid, client_id=client_id, scopes=sorted(scopes)))
