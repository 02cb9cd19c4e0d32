"""Changing what gateways follow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.policy import store
from shared.contracts.events import Event, Record
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A change under way: the transaction that makes it, and what there is to tell of it."""

    connection: Connection
    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        """What was changed."""
        self.events.append(event)


@dataclass(frozen=True, slots=True)
class ChangePolicy:
    """Changes the policy: one change after the other, each with a version, events and a record."""

    database: Database
    outbox: Outbox
    audit: AuditTrail

    @asynccontextmanager
    async def __call__(self, actor: Actor) -> AsyncIterator[PolicyChange]:
        """A transaction in which nobody else changes the policy.

        What is told of in it makes a new version, which every event carries; where nothing is
        told, there is none.
        """
        async with self.database.transaction() as connection:
            await store.lock_policy(connection)
            change = PolicyChange(connection)
            yield change
            if change.events:
                snapshot = {"policy_version": await store.next_policy_version(connection)}
                events = (replace(event, snapshot=snapshot) for event in change.events)
                await self.outbox.add(connection, *events)
                for event in change.events:
                    action = event.name.removeprefix("model.")
                    await self.audit.append(
                        connection, "change", action, actor, _before_and_after(event)
                    )


def _before_and_after(event: Event) -> dict[str, Record | None]:
    match event.name.rpartition(".")[2]:
        case "created":
            return {"before": None, "after": event.record}
        case "deleted":
            return {"before": event.record, "after": None}
        case _:
            return {"before": {**event.record, **(event.changes or {})}, "after": event.record}
