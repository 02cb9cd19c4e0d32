"""Searches published events, and has their owners replay them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.core import Core
from shared.archive.use_cases import EventArchive, Replays
from shared.contracts.archive import ArchivedEvent, EventFilter, Position, Replay
from shared.contracts.services import ADMIN, IDENTITY, OAUTH, RESOURCE, WEBHOOKS


class Owner(Protocol):
    """A service that publishes events: this one, or the client of another."""

    async def newest_events(
        self, wanted: EventFilter, limit: int, before: Position | None
    ) -> Sequence[ArchivedEvent]:
        """Events, the newest first; with `before`, those that were published before that place."""
        ...

    async def create_replay(self, queue: str, wanted: EventFilter, *, incomplete: bool) -> Replay:
        """Begins a replay; raises `NoQueue` or `TooManyReplays`."""
        ...

    async def replays(self) -> Sequence[Replay]:
        """The replays that began last, the newest first."""
        ...

    async def cancel_replay(self, number: uuid.UUID) -> Replay:
        """Ends a replay that runs; raises `NoReplay` if it does not."""
        ...


@dataclass(frozen=True, slots=True)
class OwnArchive:
    """The events of admin-svc."""

    archive: EventArchive
    own_replays: Replays

    async def newest_events(
        self, wanted: EventFilter, limit: int, before: Position | None
    ) -> Sequence[ArchivedEvent]:
        """As `Owner` says, and below."""
        return await self.archive.list_newest(wanted, limit, before)

    async def create_replay(self, queue: str, wanted: EventFilter, *, incomplete: bool) -> Replay:
        """Begins a replay."""
        return await self.own_replays.create(queue, wanted, incomplete=incomplete)

    async def replays(self) -> Sequence[Replay]:
        """The replays."""
        return await self.own_replays.list()

    async def cancel_replay(self, number: uuid.UUID) -> Replay:
        """Ends a replay."""
        return await self.own_replays.cancel(number)


@dataclass(frozen=True, slots=True)
class PublishedEvents:
    """The archives of all services; all methods raise `Unavailable` if the owner is down."""

    owners: Mapping[str, Owner]
    audit: AuditTrail

    async def list_newest(
        self, service: str, wanted: EventFilter, limit: int, before: Position | None
    ) -> Sequence[ArchivedEvent]:
        """Events of a service, the newest first."""
        return await self.owners[service].newest_events(wanted, limit, before)

    async def replay(
        self, actor: Actor, service: str, queue: str, wanted: EventFilter, *, incomplete: bool
    ) -> Replay:
        """Begins a replay into one queue; raises `NoQueue` or `TooManyReplays`."""
        asked = {
            "service": service,
            "queue": queue,
            "incomplete": incomplete,
            **wanted.to_internal(),
        }
        async with self.audit.audited_change(
            actor, "events.replayed", wanted.uid, asked
        ) as audited:
            replay = await self.owners[service].create_replay(queue, wanted, incomplete=incomplete)
            audited.done(before=None, after=replay.to_internal())
        return replay

    async def list_replays(self, service: str) -> Sequence[Replay]:
        """The replays of a service that began last, the newest first."""
        return await self.owners[service].replays()

    async def cancel_replay(self, actor: Actor, service: str, number: uuid.UUID) -> Replay:
        """Ends a replay that runs; raises `NoReplay` if it does not."""
        asked = {"service": service, "id": str(number)}
        async with self.audit.audited_change(
            actor, "events.replay_cancelled", None, asked
        ) as audited:
            replay = await self.owners[service].cancel_replay(number)
            audited.done(before=None, after=replay.to_internal())
        return replay


def build(
    core: Core, audit: AuditTrail, archive: EventArchive, replays: Replays
) -> PublishedEvents:
    """Wires the feature."""
    owners: Mapping[str, Owner] = {
        IDENTITY: core.identity,
        RESOURCE: core.resource,
        ADMIN: OwnArchive(archive, replays),
        WEBHOOKS: core.webhooks,
        OAUTH: core.oauth,
    }
    return PublishedEvents(owners, audit)
