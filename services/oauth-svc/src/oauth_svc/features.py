"""Builds the features of oauth-svc, in the order in which they use each other."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from oauth_svc.authorizations.handlers import AUTHORIZATIONS
from oauth_svc.authorizations.use_cases import Authorizations
from oauth_svc.authorizations.use_cases import build as build_authorizations
from oauth_svc.clients.handlers import CLIENTS
from oauth_svc.clients.use_cases import Clients
from oauth_svc.clients.use_cases import build as build_clients
from oauth_svc.consents.handlers import CONSENTS
from oauth_svc.consents.use_cases import build as build_consents
from oauth_svc.core import Core
from oauth_svc.devices.handlers import DEVICES
from oauth_svc.devices.use_cases import Devices
from oauth_svc.devices.use_cases import build as build_devices
from oauth_svc.discovery.handlers import METADATA, provider_metadata
from oauth_svc.dpop.handlers import PROOFS
from oauth_svc.dpop.use_cases import Proofs
from oauth_svc.dpop.use_cases import build as build_proofs
from oauth_svc.exchanges.use_cases import build as build_exchanges
from oauth_svc.key_sets.use_cases import build as build_key_sets
from oauth_svc.logout.use_cases import build as build_logouts
from oauth_svc.metadata_documents.use_cases import build as build_metadata_documents
from oauth_svc.pages.responses import PAGES
from oauth_svc.pages.use_cases import build as build_pages
from oauth_svc.registration.handlers import REGISTRATIONS
from oauth_svc.registration.use_cases import build as build_registrations
from oauth_svc.settings import OAuthSettings
from oauth_svc.single_sign_on.handlers import SINGLE_SIGN_ON
from oauth_svc.single_sign_on.use_cases import build as build_single_sign_on
from oauth_svc.subscriptions import reactions
from oauth_svc.tokens.handlers import TOKENS
from oauth_svc.tokens.use_cases import Tokens
from oauth_svc.tokens.use_cases import build as build_tokens
from shared.archive.handlers import EVENT_ARCHIVE, REPLAYS
from shared.archive.use_cases import build_archive, build_replays
from shared.contracts.services import OAUTH
from shared.messaging.inbox import Reaction
from shared.messaging.supervision import supervised

_SWEEP_SECONDS = 60.0


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
    settings = core.settings
    single_sign_on = build_single_sign_on(core)
    documents = build_metadata_documents(core)
    keys = build_key_sets(core)
    clients = build_clients(core, documents, keys)
    proofs = build_proofs(core)
    tokens = build_tokens(core)
    build_exchanges(tokens)
    consents = build_consents(core, tokens, clients)
    authorizations = build_authorizations(core, clients, tokens, consents)
    devices = build_devices(core, clients, tokens, consents)
    logouts = build_logouts(core, clients, tokens)
    pages = build_pages(core, authorizations, devices, logouts, single_sign_on)
    archive = build_archive(core.database, settings)
    replays = build_replays(core.database, core.identity, settings, OAUTH, core.registry)

    async def sweep() -> None:
        await _sweep_forever(clients, proofs, tokens, authorizations, devices)

    return Features(
        use_cases={
            METADATA: provider_metadata(settings.issuer) | _optional_metadata(settings),
            REGISTRATIONS: build_registrations(core, clients, consents),
            SINGLE_SIGN_ON: single_sign_on,
            CLIENTS: clients,
            PROOFS: proofs,
            TOKENS: tokens,
            CONSENTS: consents,
            AUTHORIZATIONS: authorizations,
            DEVICES: devices,
            EVENT_ARCHIVE: archive,
            REPLAYS: replays,
            PAGES: pages,
        },
        reactions=reactions(core.database, core.outbox, tokens, consents, logouts),
        parts=(
            documents.fetcher.opened(),
            keys.registered.fetcher.opened(),
            keys.published.fetcher.opened(),
            logouts.sender.opened(),
            supervised("log-outs", logouts.send_forever),
            supervised("sweep", sweep),
            supervised("event archive", archive.run),
            supervised("event replays", replays.run),
        ),
    )


def _optional_metadata(settings: OAuthSettings) -> dict[str, Any]:
    """The metadata of what is switched on."""
    shown: dict[str, Any] = {}
    if settings.registration_tokens:
        shown["registration_endpoint"] = f"{settings.issuer}/oauth/register"
    if settings.metadata_documents:
        shown["client_id_metadata_document_supported"] = True
    return shown


async def _sweep_forever(*features: Clients | Proofs | Tokens | Authorizations | Devices) -> None:
    """Deletes what has expired, each minute; raises `Unavailable`."""
    while True:
        for each in features:
            await each.sweep()
        await asyncio.sleep(_SWEEP_SECONDS)
