"""Reading and changing endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter

from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox
from shared.values.addresses import Network
from shared.values.principal import Principal
from webhooks_svc.core import Core
from webhooks_svc.endpoints import store
from webhooks_svc.endpoints.events import changed_event, disabled_event
from webhooks_svc.endpoints.models import (
    Endpoint,
    Seal,
    TooManyEndpoints,
    Wanted,
    new_secret,
    require_known,
    require_url,
)

log = structlog.get_logger()

GONE, FAILING, CROWDED = "gone", "failing", "crowded"
"""Why the service disables an endpoint: it answered 410; nothing succeeds; too many wait."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The endpoints of all administrators.

    An event in the transaction of each change tells admin-svc's audit trail who made it.
    """

    database: Database
    outbox: Outbox
    seal: Seal
    disabled: Counter
    limit: int
    plain_http: bool
    allowed: Sequence[Network]
    patience: timedelta
    backlog: int

    async def list_page(self, limit: int, offset: int) -> tuple[list[Endpoint], int]:
        """One page of endpoints, the oldest first, and the number of all."""
        async with self.database.connection() as connection:
            return await store.select_page(connection, limit, offset, self.seal)

    async def get(self, endpoint_id: int) -> Endpoint:
        """The endpoint; raises `EndpointNotFound`."""
        async with self.database.connection() as connection:
            return await store.get(connection, endpoint_id, self.seal)

    async def create(self, actor: Principal, wanted: Wanted) -> Endpoint:
        """Adds an endpoint with a new secret.

        Raises `InvalidUrl`, `ForbiddenAddress`, `UnknownEvents` or `TooManyEndpoints`.
        """
        self._require_sound(wanted)
        async with self.database.transaction() as connection:
            if await store.count_to_add(connection) >= self.limit:
                raise TooManyEndpoints
            created = await store.insert(connection, wanted, new_secret(), self.seal)
            await self.outbox.add(connection, changed_event(created, "created", actor))
        return created

    async def update(
        self, actor: Principal, endpoint_id: int, given: Mapping[str, Any]
    ) -> Endpoint:
        """Sets the given fields of an endpoint.

        Raises `EndpointNotFound`, `InvalidUrl`, `ForbiddenAddress` or `UnknownEvents`.
        """
        async with self.database.transaction() as connection:
            before = await store.get(connection, endpoint_id, self.seal, for_update=True)
            fields = ("url", "description", "events", "state")
            wanted = Wanted(**{name: given.get(name, getattr(before, name)) for name in fields})
            self._require_sound(wanted)
            updated = await store.update(connection, endpoint_id, wanted, self.seal)
            await self.outbox.add(connection, changed_event(updated, "updated", actor, before))
        return updated

    async def rotate_secret(self, actor: Principal, endpoint_id: int) -> Endpoint:
        """Makes another secret; both sign for a day. Raises `EndpointNotFound`."""
        async with self.database.transaction() as connection:
            rotated = await store.rotate(connection, endpoint_id, new_secret(), self.seal)
            event = changed_event(rotated, "secret_rotated", actor, rotated)
            await self.outbox.add(connection, event)
        return rotated

    async def delete(self, actor: Principal, endpoint_id: int) -> None:
        """Deletes an endpoint and its log; raises `EndpointNotFound`."""
        async with self.database.transaction() as connection:
            deleted = await store.get(connection, endpoint_id, self.seal, for_update=True)
            await store.delete(connection, endpoint_id)
            await self.outbox.add(connection, changed_event(deleted, "deleted", actor))

    async def list_active(self, connection: Connection) -> list[tuple[int, Sequence[str]]]:
        """The ids and patterns of all active endpoints."""
        return await store.select_active(connection)

    async def note(self, connection: Connection, endpoint_id: int, *, succeeded: bool) -> None:
        """Stores the outcome of a delivery; disables the endpoint if all have failed for long."""
        if succeeded:
            await store.note_success(connection, endpoint_id)
        elif await store.note_failure(connection, endpoint_id, self.patience):
            await self.disable(connection, endpoint_id, FAILING)

    async def disable(self, connection: Connection, endpoint_id: int, reason: str) -> None:
        """Disables an active endpoint, with an event in the same transaction."""
        endpoint = await store.disable(connection, endpoint_id, reason, self.seal)
        if endpoint is not None:
            await self.outbox.add(connection, disabled_event(endpoint, reason))
            self.disabled.labels(reason).inc()
            log.error("webhook_disabled", endpoint=endpoint_id, reason=reason)

    async def disable_crowded(self) -> None:
        """Disables endpoints for which too many deliveries wait."""
        async with self.database.connection() as connection:
            crowded = await store.select_crowded(connection, self.backlog)
        for endpoint_id in crowded:
            async with self.database.transaction() as connection:
                await self.disable(connection, endpoint_id, CROWDED)

    def _require_sound(self, wanted: Wanted) -> None:
        require_url(wanted.url, plain_http=self.plain_http, allowed=self.allowed)
        require_known(wanted.events)


def build(core: Core) -> Endpoints:
    """Wires the feature."""
    settings = core.settings
    disabled = Counter(
        "webhook_endpoints_disabled",
        "Endpoints that the service disabled.",
        ("reason",),
        registry=core.registry,
    )
    for reason in (GONE, FAILING, CROWDED):  # exported as 0 from the start
        disabled.labels(reason)
    return Endpoints(
        database=core.database,
        outbox=core.outbox,
        seal=Seal(settings.master_keys),
        disabled=disabled,
        limit=settings.endpoint_limit,
        plain_http=settings.plain_http,
        allowed=settings.allowed_networks,
        patience=timedelta(hours=settings.disable_hours),
        backlog=settings.backlog,
    )
