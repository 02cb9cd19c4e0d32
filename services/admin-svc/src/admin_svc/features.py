"""Builds the features of admin-svc, in the order in which they use each other."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from admin_svc.activities.handlers import ACTIVITIES
from admin_svc.activities.partitions import PartitionsAhead
from admin_svc.activities.use_cases import build as build_activities
from admin_svc.api_keys.handlers import API_KEYS
from admin_svc.api_keys.use_cases import build as build_api_keys
from admin_svc.audit.use_cases import build as build_audit
from admin_svc.core import Core
from admin_svc.data_storages.handlers import DATA_STORAGES
from admin_svc.data_storages.use_cases import build as build_data_storages
from admin_svc.dead_letters.handlers import DEAD_LETTERS
from admin_svc.dead_letters.use_cases import build as build_dead_letters
from admin_svc.directory.handlers import DIRECTORY
from admin_svc.directory.use_cases import build as build_directory
from admin_svc.erasure.use_cases import build as build_erasure
from admin_svc.event_archive.handlers import PUBLISHED_EVENTS
from admin_svc.event_archive.use_cases import build as build_event_archive
from admin_svc.labels.handlers import LABELS
from admin_svc.labels.use_cases import build as build_labels
from admin_svc.levels.handlers import LEVELS
from admin_svc.levels.use_cases import build as build_levels
from admin_svc.metrics.handlers import METRICS
from admin_svc.metrics.use_cases import build as build_metrics
from admin_svc.permissions.handlers import PERMISSIONS
from admin_svc.permissions.use_cases import build as build_permissions
from admin_svc.policy.handlers import POLICY
from admin_svc.policy.use_cases import build as build_policy
from admin_svc.profiles.handlers import PROFILES
from admin_svc.profiles.use_cases import build as build_profiles
from admin_svc.restrictions.handlers import RESTRICTIONS
from admin_svc.restrictions.use_cases import build as build_restrictions
from admin_svc.sessions.handlers import SESSIONS
from admin_svc.sessions.use_cases import build as build_sessions
from admin_svc.snapshots.handlers import SNAPSHOTS
from admin_svc.snapshots.use_cases import build as build_snapshots
from admin_svc.subscriptions import Subscribers, subscribers
from admin_svc.user_counts.use_cases import build as build_user_counts
from admin_svc.users.handlers import USERS
from admin_svc.users.use_cases import build as build_users
from admin_svc.whitelinks.handlers import WHITELINKS
from admin_svc.whitelinks.use_cases import build as build_whitelinks
from shared.archive.use_cases import build_archive, build_replays
from shared.contracts.services import ADMIN
from shared.messaging.supervision import supervised


@dataclass(frozen=True, slots=True)
class Features:
    """What handlers, the subscribers and the process need of all features together."""

    use_cases: Mapping[web.AppKey[Any], object]
    subscribers: Subscribers
    parts: Sequence[AbstractAsyncContextManager[object]]
    """Background tasks, for the time that the process runs."""


def build(core: Core) -> Features:
    """Connects to nothing yet; raises `SettingsError` for faults in configuration files."""
    user_counts = build_user_counts(core)
    directory = build_directory(core, user_counts)
    audit = build_audit(core, directory)
    policy = build_policy(core, audit)
    permissions = build_permissions(core, policy)
    restrictions = build_restrictions(core, policy)
    activities = build_activities(core, directory)
    metrics = build_metrics(core, activities, directory)
    users = build_users(core, audit, directory, permissions)
    erasure = build_erasure(core, directory, activities, audit)
    received = subscribers(core, directory, activities, erasure, audit)
    partitions_ahead = PartitionsAhead(activities.partitions, core.registry)
    archive = build_archive(core.database, core.settings)
    replays = build_replays(core.database, core.identity, core.settings, ADMIN, core.registry)
    return Features(
        use_cases={
            ACTIVITIES: activities,
            API_KEYS: build_api_keys(core),
            DATA_STORAGES: build_data_storages(core, users),
            DEAD_LETTERS: build_dead_letters(core, audit),
            DIRECTORY: directory,
            LABELS: build_labels(core, users),
            LEVELS: build_levels(core),
            METRICS: metrics,
            PERMISSIONS: permissions,
            POLICY: policy,
            PROFILES: build_profiles(core, users),
            PUBLISHED_EVENTS: build_event_archive(core, audit, archive, replays),
            RESTRICTIONS: restrictions,
            SESSIONS: build_sessions(core, audit),
            SNAPSHOTS: build_snapshots(core),
            USERS: users,
            WHITELINKS: build_whitelinks(core, audit, restrictions),
        },
        subscribers=received,
        parts=(
            supervised("subscriber", received.events.run),
            supervised("directory counts", user_counts.run),
            supervised("hourly counts", metrics.run),
            supervised("activity partitions", activities.partitions.run),
            supervised("activity partitions ahead", partitions_ahead.run),
            supervised("activity subscriber", received.activities.run),
            supervised("audit subscriber", received.audits.run),
            supervised("event archive", archive.run),
            supervised("event replays", replays.run),
        ),
    )
