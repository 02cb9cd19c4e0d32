"""A delivery, when it is tried again, and how it is signed."""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.contracts.events import ReceivedEvent, subject_of
from shared.errors import Invalid, NotFound

WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"

RETRY_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800)
"""The delays before each further attempt: a day in all. After the last the delivery has failed."""

LONGEST_RETRY_AFTER = 3600
"""Seconds; if an endpoint asks for more time with `Retry-After`, it gets at most this much."""

_JITTER = 0.2
GONE = 410
MAX_RESENT = 10_000
"""Deliveries that one call resends."""


class DeliveryNotFound(NotFound):
    """There is no such delivery to this endpoint."""

    codes = ("admin.webhook.delivery_doesnt_exist",)


class InvalidSpan(Invalid):
    """The span of time to resend has no beginning, or ends before it."""

    codes = ("admin.webhook.invalid_span",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The message: `id` is the same in every attempt, and at every endpoint."""

    id: str
    payload: str = field(repr=False)

    def headers(self, now: datetime, secrets: Sequence[bytes]) -> dict[str, str]:
        """The headers of Standard Webhooks, with a signature by each secret."""
        timestamp = str(int(now.timestamp()))
        content = f"{self.id}.{timestamp}.{self.payload}".encode()
        signatures = [
            "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
            for secret in secrets
        ]
        return {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": self.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signatures),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as it is stored. `attempts` were begun; the last one got `status` or `error`."""

    id: int
    endpoint_id: int
    event_id: UUID
    name: str
    payload: str = field(repr=False)
    state: str
    attempts: int
    next_at: datetime
    status: int | None
    answer: str | None
    error: str | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def message(self) -> Message:
        """What is sent."""
        return Message(id=str(self.event_id), payload=self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of an attempt: `status` with the beginning of the answer, or an `error`."""

    status: int | None = None
    answer: str | None = None
    error: str | None = None
    retry_after: int = 0
    """Seconds that the endpoint asked for."""

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint accepted the event: any status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300


def delay_after(attempts: int, outcome: Outcome) -> timedelta | None:
    """How long after so many attempts the next one begins; None when that was the last."""
    if attempts > len(RETRY_SECONDS):
        return None
    wanted = min(outcome.retry_after, LONGEST_RETRY_AFTER)
    seconds = RETRY_SECONDS[attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
    return timedelta(seconds=max(seconds, wanted))


def payload_of(event: ReceivedEvent, source: str) -> str:
    """The body: a CloudEvent in JSON (CloudEvents 1.0, JSON event format)."""
    data: dict[str, Any] = {"name": event.name, "record": event.record}
    if event.changes:
        data["changes"] = event.changes
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(event.id),
        "source": source,
        "type": event.name,
        "time": event.issued_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }
    if subject := subject_of(event.record):
        envelope["subject"] = subject
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False)
