"""Every URL of admin-svc."""

from typing import Any

from admin_svc.directory import handlers as users
from admin_svc.directory.forms import FindUsersForm
from admin_svc.levels import handlers as levels
from admin_svc.permissions import handlers as permissions
from admin_svc.permissions.forms import (
    AddPermissionForm,
    ChangePermissionForm,
    RemovePermissionForm,
)
from admin_svc.policy import handlers as policy
from admin_svc.restrictions import handlers as restrictions
from admin_svc.restrictions.forms import (
    AddRestrictionForm,
    ChangeRestrictionForm,
    ListRestrictionsForm,
    RemoveRestrictionForm,
)
from admin_svc.whitelinks import handlers as whitelinks
from admin_svc.whitelinks.forms import CreateWhitelinkForm, UseWhitelinkForm
from shared.contracts.services import GATEWAY, IDENTITY
from shared.web.pagination import PageForm
from shared.web.routes import BEARER, NoParameters, Route, services

PREFIX = "/api/v2/admin"

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/levels",                 BEARER, NoParameters,          levels.index),
    Route("GET",    "/permissions",            BEARER, PageForm,              permissions.index),
    Route("POST",   "/permissions",            BEARER, AddPermissionForm,     permissions.create),
    Route("PUT",    "/permissions",            BEARER, ChangePermissionForm,  permissions.update),
    Route("DELETE", "/permissions",            BEARER, RemovePermissionForm,  permissions.delete),
    Route("GET",    "/restrictions",           BEARER, ListRestrictionsForm,  restrictions.index),
    Route("POST",   "/restrictions",           BEARER, AddRestrictionForm,    restrictions.create),
    Route("PUT",    "/restrictions",           BEARER, ChangeRestrictionForm, restrictions.update),
    Route("DELETE", "/restrictions",           BEARER, RemoveRestrictionForm, restrictions.delete),
    Route("POST",   "/restrictions/whitelink", BEARER, CreateWhitelinkForm,   whitelinks.create),
    Route("GET",    "/users",                  BEARER, FindUsersForm,         users.index),
)

INTERNAL: tuple[Route[Any], ...] = (
    Route("GET",  "/policy",         services(GATEWAY),  NoParameters,     policy.show),
    Route("POST", "/whitelinks/use", services(IDENTITY), UseWhitelinkForm, whitelinks.use),
)
