"""Exchanges and queues; every service declares all of them, so that no event is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.contracts import catalogue
from shared.contracts.catalogue import names

EVENTS = "barong.events"
"""Durable topic exchange; the routing key is the event's full name."""

CHANGES = "barong.changes"
"""Fanout exchange, not durable: changes for all gateways at once, which may be lost."""

LEGACY_PREFIXES = ("model", "system")
"""`barong.events.model` and `.system`: direct, not durable; the key is the rest of the name."""

RETRY_SECONDS = (1, 10, 60, 300)
"""The delays before each retry of a failed event; after the last it is a dead letter."""

DEAD_LETTER_LIFE = timedelta(days=30)
"""The time for which the inbox has ids of events: no older event is replayed."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A durable queue, its events, and the messages that are published to it directly."""

    queue: str
    events: tuple[str, ...]
    direct: tuple[str, ...] = ()

    @property
    def dead_letters(self) -> str:
        """The queue of events that could not be handled."""
        return f"{self.queue}.dead"

    @property
    def dead_letter_life(self) -> timedelta | None:
        """How long dead letters, which are personal, are stored; None is for good: for audits."""
        return None if self.direct else DEAD_LETTER_LIFE

    def retry(self, seconds: int) -> str:
        """The queue in which events wait for a retry."""
        return f"{self.queue}.retry.{seconds}s"


IDENTITY = Subscription(
    "identity-svc",
    names(catalogue.LABELS),
)
RESOURCE = Subscription(
    "resource-svc",
    (
        *names(catalogue.USERS),
        catalogue.EMAIL_CONFIRMED.name,
        catalogue.PASSWORD_RESET.name,
        catalogue.USER_ERASED.name,
    ),
)
ADMIN = Subscription(
    "admin-svc",
    (
        *names(catalogue.USERS),
        *names(catalogue.LABELS),
        *names(catalogue.PROFILES),
        *names(catalogue.PHONES),
        *names(catalogue.DOCUMENTS),
        *names(catalogue.DATA_STORAGES),
        *names(catalogue.WEBHOOK_ENDPOINTS),
        *names(catalogue.OAUTH_CLIENTS),
        catalogue.USER_ERASED.name,
    ),
)
ACTIVITIES = Subscription("admin-svc.activities", (catalogue.ACTIVITY_RECORDED.name,))
"""A queue of its own, so that a flood of failed log-ins delays no other events."""

AUDIT = "audit"
AUDITS = Subscription("admin-svc.audits", (), (AUDIT,))
"""What gateways let pass and refused. It is not an event, since only admin-svc needs it."""

MAILER = Subscription(
    "mailer-svc",
    (
        *names(catalogue.USERS),
        *names(catalogue.LABELS),
        *names(catalogue.PROFILES),
        *names(catalogue.PHONES),
        *names(catalogue.DOCUMENTS),
        *names(catalogue.API_KEYS),
        *names(catalogue.PASSKEYS),
        *names(catalogue.LINKED_ACCOUNTS),
        catalogue.SESSION_CREATED.name,
        catalogue.CONFIRMATION_TOKEN.name,
        catalogue.EMAIL_CONFIRMED.name,
        catalogue.PASSWORD_RESET_TOKEN.name,
        catalogue.PASSWORD_RESET.name,
        catalogue.PASSWORD_CHANGED.name,
        catalogue.OTP_GUESSED.name,
        catalogue.EMAIL_CHANGE_TOKEN.name,
        catalogue.EMAIL_REVERSAL_TOKEN.name,
        catalogue.MAIL_LOG_IN_TOKEN.name,
        catalogue.RECOVERY_CODES_CREATED.name,
        catalogue.RECOVERY_CODE_USED.name,
        catalogue.ACCOUNT_DELETED.name,
        *names(catalogue.DOCUMENT_VERDICTS),
    ),
)
"""Every event about a user of which mailer.yaml may make a mail."""

WEBHOOKS = Subscription(
    "webhooks-svc",
    tuple(
        name
        for name, each in catalogue.CATALOGUE.items()
        if not each.sensitive
        and each is not catalogue.ACTIVITY_RECORDED
        and name not in names(catalogue.WEBHOOK_ENDPOINTS)
    ),
)
"""What webhooks may get: no event with a token, whoever asks for it, and no flood of activities.

Endpoints do not get each other's addresses, which may be secret.
"""

OAUTH = Subscription(
    "oauth-svc",
    (
        catalogue.USERS["updated"].name,
        catalogue.SESSION_REVOKED.name,
        catalogue.PASSWORD_CHANGED.name,
        catalogue.PASSWORD_RESET.name,
        catalogue.USER_ERASED.name,
    ),
)
"""What ends sessions at clients, and grants."""

SUBSCRIPTIONS = (IDENTITY, RESOURCE, ADMIN, ACTIVITIES, AUDITS, MAILER, WEBHOOKS, OAUTH)


def legacy_route(name: str) -> tuple[str, str]:
    """The exchange and routing key of an event for subscribers of Barong's earlier releases."""
    prefix, _, key = name.partition(".")
    return f"{EVENTS}.{prefix}", key


def queues_of(name: str) -> tuple[str, ...]:
    """Our own queues that are bound to the event."""
    return _QUEUES.get(name, ())


_QUEUES: Mapping[str, tuple[str, ...]] = {
    name: tuple(each.queue for each in SUBSCRIPTIONS if name in each.events)
    for subscription in SUBSCRIPTIONS
    for name in subscription.events
}
