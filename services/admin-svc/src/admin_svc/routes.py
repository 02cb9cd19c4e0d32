"""Every URL of admin-svc."""

from typing import Any

from admin_svc.activities import handlers as activities
from admin_svc.activities.schemas import (
    AdminActivitiesForm,
    AllActivitiesForm,
    OwnActivitiesForm,
    RecordForm,
    UserActivitiesForm,
)
from admin_svc.api_keys import handlers as api_keys
from admin_svc.api_keys.schemas import ListApiKeysForm
from admin_svc.data_storages import handlers as data_storages
from admin_svc.data_storages.schemas import DeleteDataStorageForm
from admin_svc.directory import handlers as directory
from admin_svc.directory.schemas import (
    FindLabelledForm,
    FindUserForm,
    FindUsersForm,
    FindWaitingForm,
    ListLabelsForm,
)
from admin_svc.labels import handlers as labels
from admin_svc.labels.schemas import (
    AddLabelForm,
    ChangeLabelForm,
    DeleteLabelForm,
    PutLabelForm,
)
from admin_svc.levels import handlers as levels
from admin_svc.metrics import handlers as metrics
from admin_svc.metrics.schemas import MetricsForm
from admin_svc.permissions import handlers as permissions
from admin_svc.permissions.schemas import (
    AddPermissionForm,
    ChangePermissionForm,
    CheckPermissionForm,
    RemovePermissionForm,
)
from admin_svc.policy import handlers as policy
from admin_svc.policy.schemas import PolicyForm
from admin_svc.profiles import handlers as profiles
from admin_svc.profiles.schemas import ChangeProfileForm
from admin_svc.restrictions import handlers as restrictions
from admin_svc.restrictions.schemas import (
    AddRestrictionForm,
    ChangeRestrictionForm,
    ListRestrictionsForm,
    RemoveRestrictionForm,
)
from admin_svc.users import handlers as users
from admin_svc.users.schemas import UpdateRoleForm, UpdateUserForm
from admin_svc.whitelinks import handlers as whitelinks
from admin_svc.whitelinks.schemas import CreateWhitelinkForm, UseWhitelinkForm
from shared.contracts.services import GATEWAY, IDENTITY, RESOURCE
from shared.web.pagination import PageForm
from shared.web.routes import BEARER, NoParameters, Route, services

PREFIX = "/api/v2/admin"

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/activities",             BEARER, UserActivitiesForm,    activities.index),
    Route("GET",    "/activities/admin",       BEARER, AdminActivitiesForm,   activities.index_admin),
    Route("GET",    "/levels",                 BEARER, NoParameters,          levels.index),
    Route("GET",    "/permissions",            BEARER, PageForm,              permissions.index),
    Route("GET",    "/permissions/check",      BEARER, CheckPermissionForm,   permissions.check),
    Route("POST",   "/permissions",            BEARER, AddPermissionForm,     permissions.create),
    Route("PUT",    "/permissions",            BEARER, ChangePermissionForm,  permissions.update),
    Route("DELETE", "/permissions",            BEARER, RemovePermissionForm,  permissions.delete),
    Route("GET",    "/metrics",                BEARER, MetricsForm,           metrics.show),
    Route("GET",    "/api_keys",               BEARER, ListApiKeysForm,       api_keys.index),
    Route("PUT",    "/profiles",               BEARER, ChangeProfileForm,     profiles.change,   tells_missing=True),
    Route("PUT",    "/users",                  BEARER, UpdateUserForm,        users.put),
    Route("POST",   "/users/update",           BEARER, UpdateUserForm,        users.update),
    Route("POST",   "/users/role",             BEARER, UpdateRoleForm,        users.update_role),
    Route("POST",   "/users/labels",           BEARER, AddLabelForm,          labels.create),
    Route("PUT",    "/users/labels",           BEARER, ChangeLabelForm,       labels.change,     tells_missing=True),
    Route("POST",   "/users/labels/update",    BEARER, PutLabelForm,          labels.put,        tells_missing=True),
    Route("DELETE", "/users/labels",           BEARER, DeleteLabelForm,       labels.delete),
    Route("DELETE", "/users/data_storage",     BEARER, DeleteDataStorageForm, data_storages.delete),
    Route("GET",    "/restrictions",           BEARER, ListRestrictionsForm,  restrictions.index),
    Route("POST",   "/restrictions",           BEARER, AddRestrictionForm,    restrictions.create),
    Route("PUT",    "/restrictions",           BEARER, ChangeRestrictionForm, restrictions.update),
    Route("DELETE", "/restrictions",           BEARER, RemoveRestrictionForm, restrictions.delete),
    Route("POST",   "/restrictions/whitelink", BEARER, CreateWhitelinkForm,   whitelinks.create),
    Route("GET",    "/users",                  BEARER, FindUsersForm,         directory.index),
    Route("GET",    "/users/documents/pending", BEARER, FindWaitingForm,      directory.waiting),
    Route("GET",    "/users/labels",           BEARER, FindLabelledForm,      directory.labelled),
    Route("GET",    "/users/labels/list",      BEARER, ListLabelsForm,        directory.labels),
    Route("GET",    "/users/{uid}",            BEARER, FindUserForm,          directory.show),
    Route("GET",    "/profiles",               BEARER, PageForm,              directory.profiles),
)

INTERNAL: tuple[Route[Any], ...] = (
    Route("POST", "/activities",             services(GATEWAY),  RecordForm,        activities.create),
    Route("GET",  "/users/{uid}/activities", services(RESOURCE), OwnActivitiesForm, activities.index_own),
    Route("GET",  "/users/{uid}/activities/{category}", services(RESOURCE), AllActivitiesForm, activities.index_all),
    Route("GET",  "/policy",         services(GATEWAY),  PolicyForm,       policy.show),
    Route("POST", "/whitelinks/use", services(IDENTITY), UseWhitelinkForm, whitelinks.use),
)
