"""Sample events: templates are checked with them at the start, and mails previewed."""

import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from mailer_svc.mail.configuration import TOKEN_EVENTS
from mailer_svc.mail.models import Mail
from shared.contracts.events import ReceivedEvent

NOW = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)

_USER = {
    "uid": "ID0123456789",
    "email": "user@example.com",
    "role": "member",
    "level": 1,
    "otp": False,
    "state": "active",
    "referral_uid": None,
    "created_at": "2026-01-31T12:30:00Z",
    "updated_at": "2026-01-31T12:30:00Z",
}
_TIMES = {"created_at": "2026-01-31T12:30:00Z", "updated_at": "2026-01-31T12:30:00Z"}
_CLIENT = {
    "user_ip": "192.0.2.1",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
_RECORDS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("model.user.", _USER),
    ("model.label.", {"id": 1, "key": "vip", "value": "yes", "scope": "private", "user": _USER}),
    ("model.profile.", {"first_name": "Ada", "last_name": "King", **_TIMES, "user": _USER}),
    ("model.phone.", {"country": "GB", "number": "447400000000", **_TIMES, "user": _USER}),
    ("model.document.", {"doc_type": "Passport", **_TIMES, "user": _USER}),
    ("model.api_key.", {"kid": "0123456789abcdef", "state": "active", **_TIMES, "user": _USER}),
    ("system.document.", {"id": 1, "key": "document", "description": None, "user": _USER}),
    (
        "system.session.create",
        {**_CLIENT, "new_device": True, "new_network": True, "user": _USER},
    ),
    (
        "system.session.mail.token",
        {**_CLIENT, "code": "01234567", "domain": "www.example.com", "user": _USER},
    ),
    (
        "model.linked_account.",
        {"provider": "Example", "created_at": "2026-01-31T12:30:00Z", "user": _USER},
    ),
    (
        "model.passkey.",
        {"name": "Laptop", "created_at": "2026-01-31T12:30:00Z", "user": _USER},
    ),
    (
        "system.user.recovery_code",
        {**_CLIENT, "remaining": 3, "domain": "www.example.com", "user": _USER},
    ),
    (
        "system.user.email.change.",
        {"recipient": "new@example.com", "domain": "www.example.com", "user": _USER},
    ),
    (
        "system.user.email.reversal.",
        {"recipient": "old@example.com", "domain": "www.example.com", "user": _USER},
    ),
    ("system.user.otp.guessed", {**_CLIENT, "domain": "www.example.com", "user": _USER}),
    ("system.user.account.deleted", {"user": _USER}),
    ("system.user.", {"domain": "www.example.com", "user": _USER}),
)


def samples(mail: Mail) -> list[ReceivedEvent]:
    """Events that become this mail: of each name one, and one with everything that may be there."""
    made = []
    for name in mail.events:
        bare = _sample(mail, name)
        made.append(bare)
        if name.startswith(("model.label.", "system.document.")):
            made.append(_with(bare, {"description": "The picture is blurred."}))
    return made


def _sample(mail: Mail, name: str) -> ReceivedEvent:
    record = next(record for prefix, record in _RECORDS if name.startswith(prefix))
    parts: dict[str, Any] = deepcopy({"record": dict(record), "changes": {}})
    if name in TOKEN_EVENTS:
        parts["record"]["token"] = "token"  # noqa: S105 - it opens nothing
    if name.startswith("system.document."):
        parts["record"]["value"] = name.rpartition(".")[2]
    for condition in mail.when[0] if mail.when else ():
        place = parts
        for key in condition.path[:-1]:
            place = place.setdefault(key, {})
        place[condition.path[-1]] = condition.values[0]
    return ReceivedEvent(
        id=uuid.UUID(int=0),
        name=name,
        record=parts["record"],
        changes=parts["changes"],
        snapshot={},
        issued_at=NOW,
    )


def _with(event: ReceivedEvent, more: Mapping[str, Any]) -> ReceivedEvent:
    return ReceivedEvent(
        id=event.id,
        name=event.name,
        record={**event.record, **more},
        changes=event.changes,
        snapshot=event.snapshot,
        issued_at=event.issued_at,
    )
