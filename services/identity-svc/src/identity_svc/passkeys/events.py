"""The events of passkeys."""

from collections.abc import Mapping
from typing import Any

from identity_svc.passkeys.models import Passkey
from shared.contracts.catalogue import PASSKEYS
from shared.contracts.events import Event
from shared.contracts.records import PasskeyRecord
from shared.contracts.users import User
from shared.values.timestamps import seconds


def passkey_changed(
    what: str, user: User, passkey: Passkey, changes: Mapping[str, Any] | None = None
) -> Event:
    """A passkey was `created`, `updated` or `deleted`; `changes` are old values."""
    record = PasskeyRecord(
        user=user.to_event(),
        id=str(passkey.id),
        name=passkey.name,
        backup_eligible=passkey.backup_eligible,
        backed_up=passkey.backed_up,
        created_at=seconds(passkey.created_at),
    )
    return PASSKEYS[what].event(record, changes=changes, snapshot=user.to_internal())
