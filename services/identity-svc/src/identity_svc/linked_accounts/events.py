"""The events of linked accounts."""

from identity_svc.linked_accounts.models import Shown
from shared.contracts.catalogue import LINKED_ACCOUNTS
from shared.contracts.events import Event
from shared.contracts.records import LinkedAccountRecord
from shared.contracts.users import User
from shared.values.timestamps import seconds


def linked_account_changed(what: str, user: User, shown: Shown) -> Event:
    """An account at a provider was linked (`created`), or can no longer log in (`deleted`)."""
    record = LinkedAccountRecord(
        user=user.to_event(),
        id=str(shown.account.id),
        provider=shown.label,
        issuer=shown.account.issuer,
        email=shown.account.email,
        created_at=seconds(shown.account.created_at),
    )
    return LINKED_ACCOUNTS[what].event(record, snapshot=user.to_internal())
