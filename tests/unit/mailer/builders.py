"""Events and settings as mailer-svc meets them."""

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailer_svc.settings import MailerSettings
from shared.contracts.events import ReceivedEvent
from shared.settings import load_settings

NOW = datetime(2026, 11, 22, 10, 9, 49, tzinfo=UTC)
EVENT_ID = uuid.UUID("550e8400-e29b-41d4-a716-446655440000")
CONFIG = Path(__file__).parents[3] / "deploy" / "config"
CONFIRMATION = "system.user.email.confirmation.token"
PASSWORD_RESET = "system.user.password.reset.token"


def an_event(
    name: str = CONFIRMATION,
    *,
    email: str = "user@example.com",
    token: str = "eyJ.pay+load/.sig=",
    domain: str = "openware.com",
    data: Any = None,
    uid: str = "IDCC5E69B13D",
    event_id: uuid.UUID = EVENT_ID,
    record: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> ReceivedEvent:
    """An event about a user, with a token if `record` says nothing else.

    `data` is the user's `data` as it is, `language("de")` makes one.
    """
    user = {
        "uid": uid,
        "email": email,
        "role": "member",
        "level": 0,
        "otp": False,
        "state": "pending",
        "referral_uid": None,
        "created_at": "2026-11-22T10:09:49Z",
        "updated_at": "2026-11-22T10:09:49Z",
    }
    return ReceivedEvent(
        id=event_id,
        name=name,
        record={"user": user, **(record or {"domain": domain, "token": token})},
        changes=changes or {},
        snapshot={**user, "data": data, "version": 1},
        issued_at=NOW,
    )


def language(tag: str) -> str:
    """A user's `data` that asks for a language."""
    return json.dumps({"language": tag})


ENVIRONMENT = {
    "BARONG_SERVICE_KEYS": "a:" + base64.b64encode(bytes(32)).decode(),
    "BARONG_INTERNAL_PORT": "0",
    "AMQP_URL": "amqp://guest:guest@127.0.0.1:1/",
    "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/nowhere",
    "BARONG_CONFIG_DIR": str(CONFIG),
    "BARONG_SENDER_EMAIL": "noreply@barong.io",
    "BARONG_IDENTITY_INTERNAL_URL": "http://127.0.0.1:1",
}


def settings(**variables: str) -> MailerSettings:
    """The settings that these variables make, with nothing of what they name being up."""
    return load_settings(MailerSettings, ENVIRONMENT | variables)
