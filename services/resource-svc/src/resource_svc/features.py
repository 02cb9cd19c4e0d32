"""Builds the features of resource-svc, in the order in which they use each other."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from resource_svc.accounts.handlers import ACCOUNTS
from resource_svc.accounts.use_cases import build as build_accounts
from resource_svc.activities.handlers import ACTIVITIES
from resource_svc.activities.use_cases import build as build_activities
from resource_svc.api_keys.handlers import API_KEYS
from resource_svc.api_keys.use_cases import build as build_api_keys
from resource_svc.attachments.handlers import ATTACHMENTS
from resource_svc.attachments.use_cases import build as build_attachments
from resource_svc.core import Core
from resource_svc.data_storages.handlers import DATA_STORAGES
from resource_svc.data_storages.models import DataStorage
from resource_svc.data_storages.use_cases import build as build_data_storages
from resource_svc.documents.handlers import DOCUMENTS
from resource_svc.documents.use_cases import build as build_documents
from resource_svc.erasure.use_cases import build as build_erasure
from resource_svc.exports.handlers import EXPORTS
from resource_svc.exports.use_cases import build as build_exports
from resource_svc.labels.handlers import LABELS
from resource_svc.labels.models import Label
from resource_svc.labels.use_cases import build as build_labels
from resource_svc.nonces.handlers import NONCES
from resource_svc.nonces.use_cases import build as build_nonces
from resource_svc.passwords.handlers import PASSWORDS
from resource_svc.passwords.use_cases import build as build_passwords
from resource_svc.phones.handlers import PHONES
from resource_svc.phones.models import Phone
from resource_svc.phones.use_cases import build as build_phones
from resource_svc.profiles.handlers import PROFILES
from resource_svc.profiles.models import Profile
from resource_svc.profiles.use_cases import build as build_profiles
from resource_svc.second_factor.handlers import SECOND_FACTOR
from resource_svc.second_factor.use_cases import build as build_second_factor
from resource_svc.sessions.handlers import SESSIONS
from resource_svc.sessions.use_cases import build as build_sessions
from resource_svc.subscriptions import reactions
from resource_svc.users.handlers import USERS
from resource_svc.users.use_cases import build as build_users
from shared.archive.handlers import EVENT_ARCHIVE, REPLAYS
from shared.archive.use_cases import build_archive, build_replays
from shared.contracts.services import RESOURCE
from shared.messaging.inbox import Reaction
from shared.messaging.supervision import supervised


@dataclass(frozen=True, slots=True)
class Features:
    """What handlers, the subscriber and the process need of all features together."""

    use_cases: Mapping[web.AppKey[Any], object]
    reactions: Mapping[str, Reaction]
    """By name of the event."""
    parts: Sequence[AbstractAsyncContextManager[object]]
    """Connections and background tasks, for the time that the process runs."""


def build(core: Core) -> Features:
    """Connects to nothing yet; raises `SettingsError` for faults in configuration files."""
    attached = {"labels": Label, "phones": Phone, "profiles": Profile, "data_storages": DataStorage}
    users = build_users(core, attached)
    labels = build_labels(core, users)
    profiles = build_profiles(core, users, labels)
    phones = build_phones(core, users, labels)
    documents = build_documents(core, users, labels)
    data_storages = build_data_storages(core, users, labels)
    api_keys = build_api_keys(core, users)
    second_factor = build_second_factor(core, users, labels)
    nonces = build_nonces(core)
    holders = (labels, profiles, phones, documents, data_storages)
    erasure = build_erasure(core, users, api_keys, *holders)
    archive = build_archive(core.database, core.settings)
    replays = build_replays(core.database, core.identity, core.settings, RESOURCE, core.registry)
    return Features(
        use_cases={
            ACCOUNTS: build_accounts(core, users, labels),
            ACTIVITIES: build_activities(core),
            API_KEYS: api_keys,
            ATTACHMENTS: build_attachments(core, *holders),
            DATA_STORAGES: data_storages,
            DOCUMENTS: documents,
            EVENT_ARCHIVE: archive,
            EXPORTS: build_exports(core, *holders, api_keys),
            LABELS: labels,
            NONCES: nonces,
            PASSWORDS: build_passwords(core, users),
            PHONES: phones,
            PROFILES: profiles,
            REPLAYS: replays,
            SECOND_FACTOR: second_factor,
            SESSIONS: build_sessions(core),
            USERS: users,
        },
        reactions=reactions(core.database, users, labels, api_keys, second_factor, erasure),
        parts=(
            phones.opened(),
            documents.uploads.opened(),
            supervised("upload sweep", documents.uploads.sweep_forever),
            supervised("nonce sweep", nonces.sweep_forever),
            supervised("event archive", archive.run),
            supervised("event replays", replays.run),
        ),
    )
