"""Exchanges and queues, declared by whoever connects first, so that no event finds nobody."""

from collections.abc import Mapping
from dataclasses import dataclass

EVENTS = "barong.events"
"""Durable topic exchange; the routing key is the event's full name."""

LEGACY_PREFIXES = ("model", "system")
"""`barong.events.model` and `.system`: direct, not durable; the key is the rest of the name."""

RETRY_SECONDS = (1, 10, 60, 300)
"""How long a failed event rests before each further attempt; after the last it is a dead letter."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A durable queue and the events that it receives."""

    queue: str
    events: tuple[str, ...]

    @property
    def dead_letters(self) -> str:
        """Where events go that could not be handled."""
        return f"{self.queue}.dead"

    def retry(self, seconds: int) -> str:
        """Where events rest before another attempt."""
        return f"{self.queue}.retry.{seconds}s"


IDENTITY = Subscription(
    "identity-svc",
    ("model.label.created", "model.label.updated", "model.label.deleted"),
)
RESOURCE = Subscription(
    "resource-svc",
    ("model.user.created", "model.user.updated", "system.user.email.confirmed"),
)
ADMIN = Subscription("admin-svc", ("model.user.created", "model.user.updated"))
MAILER = Subscription(
    "mailer-svc",
    ("system.user.email.confirmation.token", "system.user.password.reset.token"),
)

SUBSCRIPTIONS = (IDENTITY, RESOURCE, ADMIN, MAILER)


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
