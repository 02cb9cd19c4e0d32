"""Builds the features of webhooks-svc, in the order in which they use each other."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from shared.archive.handlers import EVENT_ARCHIVE, REPLAYS
from shared.archive.use_cases import build_archive, build_replays
from shared.contracts.services import WEBHOOKS
from shared.messaging.inbox import Reaction
from shared.messaging.supervision import supervised
from webhooks_svc.core import Core
from webhooks_svc.deliveries.handlers import DELIVERIES
from webhooks_svc.deliveries.use_cases import build as build_deliveries
from webhooks_svc.endpoints.handlers import ENDPOINTS
from webhooks_svc.endpoints.use_cases import build as build_endpoints
from webhooks_svc.subscriptions import reactions


@dataclass(frozen=True, slots=True)
class Features:
    """What handlers, the subscriber and the process need of all features together."""

    use_cases: Mapping[web.AppKey[Any], object]
    reactions: Mapping[str, Reaction]
    """By name of the event."""
    parts: Sequence[AbstractAsyncContextManager[object]]
    """Connections and background tasks, for the time that the process runs."""


def build(core: Core) -> Features:
    """Connects to nothing yet."""
    endpoints = build_endpoints(core)
    deliveries = build_deliveries(core, endpoints)
    archive = build_archive(core.database, core.settings)
    replays = build_replays(core.database, core.identity, core.settings, WEBHOOKS, core.registry)
    return Features(
        use_cases={
            ENDPOINTS: endpoints,
            DELIVERIES: deliveries,
            EVENT_ARCHIVE: archive,
            REPLAYS: replays,
        },
        reactions=reactions(core.database, deliveries),
        parts=(
            deliveries.http.opened(),
            supervised("deliveries", deliveries.send_forever),
            supervised("delivery sweep", deliveries.sweep_forever),
            supervised("event archive", archive.run),
            supervised("event replays", replays.run),
        ),
    )
