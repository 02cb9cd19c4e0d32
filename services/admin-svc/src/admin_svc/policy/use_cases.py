"""Reading and changing the policy that gateways follow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.core import Core
from admin_svc.policy import store
from shared.contracts.events import Event, Record
from shared.contracts.policy import Policy
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A change under way: its transaction, and the events of what it changed."""

    connection: Connection
    events: list[Event] = field(default_factory=list)

    def publish(self, event: Event) -> None:
        """Publishes an event with the transaction, under the new version of the policy."""
        self.events.append(event)


@dataclass(frozen=True, slots=True)
class GatewayPolicy:
    """All permissions and restrictions in force, under one version."""

    database: Database
    outbox: Outbox
    audit: AuditTrail

    async def find_newer(self, known: int | None = None) -> Policy | None:
        """The policy; None where `known` is its version."""
        async with self.database.connection() as connection:
            if known is not None and known == await store.select_version(connection):
                return None
            return await store.select_policy(connection)

    @asynccontextmanager
    async def change(self, actor: Actor) -> AsyncIterator[PolicyChange]:
        """A transaction that holds the lock on the policy.

        If it publishes events, there is a new version, which every event carries, and an entry of
        the audit trail for each. Without events there is no new version.
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
                    said = _before_and_after(event)
                    await self.audit.append(connection, "change", action, actor, said)


def _before_and_after(event: Event) -> dict[str, Record | None]:
    match event.name.rpartition(".")[2]:
        case "created":
            return {"before": None, "after": event.record}
        case "deleted":
            return {"before": event.record, "after": None}
        case _:
            return {"before": {**event.record, **(event.changes or {})}, "after": event.record}


def build(core: Core, audit: AuditTrail) -> GatewayPolicy:
    """Wires the feature."""
    return GatewayPolicy(core.database, core.outbox, audit)
