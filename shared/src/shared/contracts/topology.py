"""Exchanges and queues, declared by whoever connects first, so that no event finds nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

EVENTS = "barong.events"
"""Durable topic exchange; the routing key is the event's full name."""

CHANGES = "barong.changes"
"""Fanout exchange, not durable: what services tell all gateways at once, to be lost or heard."""

LEGACY_PREFIXES = ("model", "system")
"""`barong.events.model` and `.system`: direct, not durable; the key is the rest of the name."""

RETRY_SECONDS = (1, 10, 60, 300)
"""How long a failed event rests before each further attempt; after the last it is a dead letter."""

DEAD_LETTER_LIFE = timedelta(days=30)
"""As long as the inbox remembers what was done: nothing older is played again."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A durable queue, the events that it receives, and what is put straight into it besides."""

    queue: str
    events: tuple[str, ...]
    direct: tuple[str, ...] = ()

    @property
    def dead_letters(self) -> str:
        """Where events go that could not be handled."""
        return f"{self.queue}.dead"

    @property
    def dead_letter_life(self) -> timedelta | None:
        """How long they are kept, for they are about people; None for good: audits are not lost."""
        return None if self.direct else DEAD_LETTER_LIFE

    def retry(self, seconds: int) -> str:
        """Where events rest before another attempt."""
        return f"{self.queue}.retry.{seconds}s"


IDENTITY = Subscription(
    "identity-svc",
    ("model.label.created", "model.label.updated", "model.label.deleted"),
)
RESOURCE = Subscription(
    "resource-svc",
    (
        "model.user.created",
        "model.user.updated",
        "system.user.email.confirmed",
        "system.user.password.reset",
        "system.user.erased",
    ),
)
ADMIN = Subscription(
    "admin-svc",
    (
        "model.user.created",
        "model.user.updated",
        "model.label.created",
        "model.label.updated",
        "model.label.deleted",
        "model.profile.created",
        "model.profile.updated",
        "model.phone.created",
        "model.phone.updated",
        "model.phone.deleted",
        "model.document.created",
        "model.data_storage.created",
        "model.data_storage.deleted",
        "system.user.erased",
    ),
)
ACTIVITIES = Subscription("admin-svc.activities", ("system.activity.recorded",))
"""Apart from admin-svc's other events, so that a flood of failed log-ins delays nothing else."""

AUDIT = "audit"
AUDITS = Subscription("admin-svc.audits", (), (AUDIT,))
"""What gateways let pass and refused; no event, for it concerns nobody else."""

MAILER = Subscription(
    "mailer-svc",
    (
        "system.user.email.confirmation.token",
        "system.user.password.reset.token",
        "system.user.otp.guessed",
    ),
)

SUBSCRIPTIONS = (IDENTITY, RESOURCE, ADMIN, ACTIVITIES, AUDITS, MAILER)


def legacy_route(name: str) -> tuple[str, str]:
    """Exchange and routing key under which existing subscribers expect an event."""
    prefix, _, key = name.partition(".")
    return f"{EVENTS}.{prefix}", key


def expected_by_someone(name: str) -> bool:
    """Whether one of our own queues is bound to the event."""
    return name in _BOUND


_BOUND: Mapping[str, bool] = {
    name: True for subscription in SUBSCRIPTIONS for name in subscription.events
}
