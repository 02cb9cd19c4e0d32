"""Every URL of admin-svc."""

from typing import Any

from admin_svc.activities import handlers as activities
from admin_svc.api_keys import handlers as api_keys
from admin_svc.data_storages import handlers as data_storages
from admin_svc.dead_letters import handlers as dead_letters
from admin_svc.directory import handlers as directory
from admin_svc.event_archive import handlers as event_archive
from admin_svc.labels import handlers as labels
from admin_svc.levels import handlers as levels
from admin_svc.metrics import handlers as metrics
from admin_svc.permissions import handlers as permissions
from admin_svc.policy import handlers as policy
from admin_svc.profiles import handlers as profiles
from admin_svc.restrictions import handlers as restrictions
from admin_svc.sessions import handlers as sessions
from admin_svc.snapshots import handlers as snapshots
from admin_svc.users import handlers as users
from admin_svc.whitelinks import handlers as whitelinks
from shared.contracts.services import GATEWAY, IDENTITY, RESOURCE
from shared.web.routes import BEARER, Route, services

PREFIX = "/api/v2/admin"

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/activities",              BEARER, activities.index),
    Route("GET",    "/activities/admin",        BEARER, activities.index_admin),
    Route("GET",    "/levels",                  BEARER, levels.index),
    Route("GET",    "/abilities",               BEARER, permissions.abilities),
    Route("GET",    "/permissions",             BEARER, permissions.index),
    Route("GET",    "/permissions/check",       BEARER, permissions.check),
    Route("POST",   "/permissions",             BEARER, permissions.create),
    Route("PUT",    "/permissions",             BEARER, permissions.update),
    Route("DELETE", "/permissions",             BEARER, permissions.delete),
    Route("GET",    "/metrics",                 BEARER, metrics.show),
    Route("GET",    "/metrics/recent",          BEARER, metrics.show_recent),
    Route("GET",    "/api_keys",                BEARER, api_keys.index),
    Route("PUT",    "/profiles",                BEARER, profiles.change),
    Route("PUT",    "/users",                   BEARER, users.put),
    Route("POST",   "/users/update",            BEARER, users.update),
    Route("POST",   "/users/role",              BEARER, users.update_role),
    Route("PUT",    "/users/email",             BEARER, users.update_email),
    Route("GET",    "/users/sessions",          BEARER, sessions.index),
    Route("DELETE", "/users/sessions",          BEARER, sessions.end),
    Route("POST",   "/users/labels",            BEARER, labels.create),
    Route("PUT",    "/users/labels",            BEARER, labels.change),
    Route("POST",   "/users/labels/update",     BEARER, labels.put),
    Route("DELETE", "/users/labels",            BEARER, labels.delete),
    Route("DELETE", "/users/data_storage",      BEARER, data_storages.delete),
    Route("GET",    "/restrictions",            BEARER, restrictions.index),
    Route("GET",    "/restrictions/check",      BEARER, restrictions.check),
    Route("POST",   "/restrictions",            BEARER, restrictions.create),
    Route("PUT",    "/restrictions",            BEARER, restrictions.update),
    Route("DELETE", "/restrictions",            BEARER, restrictions.delete),
    Route("POST",   "/restrictions/whitelink",  BEARER, whitelinks.create),
    Route("GET",    "/users",                   BEARER, directory.index),
    Route("GET",    "/users/documents/pending", BEARER, directory.waiting),
    Route("GET",    "/users/labels",            BEARER, directory.labelled),
    Route("GET",    "/users/labels/list",       BEARER, directory.labels),
    Route("GET",    "/users/{uid}",             BEARER, directory.show),
    Route("GET",    "/profiles",                BEARER, directory.profiles),
    Route("GET",    "/events",                  BEARER, event_archive.index),
    Route("GET",    "/events/replays",          BEARER, event_archive.index_replays),
    Route("POST",   "/events/replays",          BEARER, event_archive.create_replay),
    Route("DELETE", "/events/replays/{id}",     BEARER, event_archive.cancel_replay),
    Route("GET",    "/dead_letters",            BEARER, dead_letters.counts),
    Route("GET",    "/dead_letters/{queue}",    BEARER, dead_letters.index),
    Route("POST",   "/dead_letters/{queue}/replay", BEARER, dead_letters.replay),
    Route("DELETE", "/dead_letters/{queue}",    BEARER, dead_letters.drop),
    Route("GET",    "/snapshots/users",         BEARER, snapshots.users),
)

INTERNAL: tuple[Route[Any], ...] = (
    Route("POST", "/activities",                        services(GATEWAY),  activities.create),
    Route("GET",  "/users/{uid}/activities",            services(RESOURCE), activities.index_own),
    Route("GET",  "/users/{uid}/activities/{category}", services(RESOURCE), activities.index_all),
    Route("GET",  "/policy",                            services(GATEWAY),  policy.show),
    Route("POST", "/whitelinks/use",                    services(IDENTITY), whitelinks.use),
)
