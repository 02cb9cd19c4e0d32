"""The events of grants."""

from oauth_svc.tokens.models import Grant
from shared.contracts.catalogue import TOKENS_REVOKED
from shared.contracts.events import Event
from shared.contracts.records import RevokedGrantRecord


def tokens_revoked(grant: Grant) -> Event:
    """All tokens of a grant are void."""
    record = RevokedGrantRecord(grant=str(grant.id), client_id=grant.client_id, uid=grant.uid)
    return TOKENS_REVOKED.event(record)
