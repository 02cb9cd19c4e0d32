"""Every URL of resource-svc."""

from typing import Any

from resource_svc.accounts import handlers as accounts
from resource_svc.accounts.schemas import DeleteAccountForm
from resource_svc.activities import handlers as activities
from resource_svc.activities.schemas import ListActivitiesForm
from resource_svc.api_keys import handlers as api_keys
from resource_svc.api_keys.schemas import (
    ChangeApiKeyForm,
    CreateApiKeyForm,
    DeleteApiKeyForm,
    EndApiKeysForm,
    FindApiKeyForm,
    ListAnyApiKeysForm,
)
from resource_svc.attachments import handlers as attachments
from resource_svc.attachments.schemas import ListSnapshotsForm
from resource_svc.data_storages import handlers as data_storages
from resource_svc.data_storages.schemas import DataStorageForm, DeleteDataStorageForm
from resource_svc.documents import handlers as documents
from resource_svc.documents.schemas import LinkForm, ListLinksForm
from resource_svc.exports import handlers as exports
from resource_svc.labels import handlers as labels
from resource_svc.labels.schemas import (
    AnyKeyForm,
    AnyLabelForm,
    KeyForm,
    LabelForm,
    PrivateLabelForm,
)
from resource_svc.nonces import handlers as nonces
from resource_svc.nonces.schemas import UseNoncesForm
from resource_svc.passwords import handlers as passwords
from resource_svc.passwords.schemas import ChangePasswordForm
from resource_svc.phones import handlers as phones
from resource_svc.phones.schemas import DeletePhoneForm, SendCodeForm, VerifyPhoneForm
from resource_svc.profiles import handlers as profiles
from resource_svc.profiles.schemas import AdministerProfileForm, ProfileForm
from resource_svc.second_factor import handlers as second_factor
from resource_svc.second_factor.schemas import CodeForm
from resource_svc.sessions import handlers as sessions
from resource_svc.sessions.schemas import RevokeSessionForm
from resource_svc.users import handlers as users
from resource_svc.users.schemas import ChangeDataForm, UserForm
from shared.contracts.services import ADMIN, GATEWAY, IDENTITY
from shared.web.pagination import PageForm
from shared.web.routes import ANYONE, BEARER, NoParameters, Route, services

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/users/me",       BEARER, NoParameters,       users.me),
    Route("PUT",    "/users/me",       BEARER, ChangeDataForm,     users.change_data),
    Route("DELETE", "/users/me",       BEARER, DeleteAccountForm,  accounts.delete),
    Route("GET",    "/users/activity/{topic}", BEARER, ListActivitiesForm, activities.index),
    Route("GET",    "/users/me/export", BEARER, NoParameters,      exports.show),
    Route("PUT",    "/users/password", BEARER, ChangePasswordForm, passwords.change, tells_missing=True),

    Route("GET",    "/sessions",      BEARER, PageForm,          sessions.index),
    Route("DELETE", "/sessions/{id}", BEARER, RevokeSessionForm, sessions.revoke),

    Route("POST",   "/otp/generate_qrcode", BEARER, NoParameters, second_factor.generate_qrcode),
    Route("POST",   "/otp/enable",          BEARER, CodeForm,     second_factor.enable,  tells_missing=True),
    Route("POST",   "/otp/disable",         BEARER, CodeForm,     second_factor.disable, tells_missing=True),
    Route("POST",   "/otp/verify",          BEARER, CodeForm,     second_factor.verify,  tells_missing=True),

    Route("GET",    "/labels",       BEARER, NoParameters, labels.index),
    Route("POST",   "/labels",       BEARER, LabelForm,    labels.create, tells_missing=True),
    Route("GET",    "/labels/{key}", BEARER, KeyForm,      labels.show,   tells_missing=True),
    Route("PATCH",  "/labels/{key}", BEARER, LabelForm,    labels.change, tells_missing=True),
    Route("DELETE", "/labels/{key}", BEARER, KeyForm,      labels.delete, tells_missing=True),

    Route("GET",    "/profiles/me",      BEARER, NoParameters,    profiles.me),
    Route("POST",   "/profiles",         BEARER, ProfileForm,     profiles.create),
    Route("PUT",    "/profiles",         BEARER, ProfileForm,     profiles.change),

    Route("GET",    "/phones",           BEARER, NoParameters,    phones.index),
    Route("POST",   "/phones",           BEARER, SendCodeForm,    phones.create,    tells_missing=True),
    Route("DELETE", "/phones",           BEARER, DeletePhoneForm, phones.delete,    tells_missing=True),
    Route("POST",   "/phones/send_code", BEARER, SendCodeForm,    phones.send_code, tells_missing=True),
    Route("POST",   "/phones/verify",    BEARER, VerifyPhoneForm, phones.verify,    tells_missing=True),

    Route("POST",   "/data_storage",     BEARER, DataStorageForm, data_storages.create),

    Route("GET",    "/documents",        BEARER, NoParameters,    documents.index),
    Route("POST",   "/documents",        BEARER, NoParameters,    documents.create, streams=True),
    Route("GET",    "/uploads/{key:.+}", ANYONE, LinkForm,        documents.download),

    Route("GET",    "/api_keys",         BEARER, PageForm,         api_keys.index),
    Route("POST",   "/api_keys",         BEARER, CreateApiKeyForm, api_keys.create, tells_missing=True),
    Route("PATCH",  "/api_keys/{kid}",   BEARER, ChangeApiKeyForm, api_keys.change, tells_missing=True),
    Route("DELETE", "/api_keys/{kid}",   BEARER, DeleteApiKeyForm, api_keys.delete, tells_missing=True),
)

INTERNAL: tuple[Route[Any], ...] = (
    Route("PUT", "/users",                    services(IDENTITY), UserForm, users.attachments),
    Route("PUT", "/users/{uid}",              services(ADMIN),    UserForm, users.upsert),
    Route("PUT", "/users/{uid}/labels/{key}", services(IDENTITY), PrivateLabelForm, labels.put_private),
    Route("POST",   "/subjects/{uid}/labels",        services(ADMIN), AnyLabelForm,          labels.create_as_admin),
    Route("PUT",    "/subjects/{uid}/labels",        services(ADMIN), AnyLabelForm,          labels.update_as_admin),
    Route("DELETE", "/subjects/{uid}/labels",        services(ADMIN), AnyKeyForm,            labels.delete_as_admin),
    Route("PUT",    "/subjects/{uid}/profile",       services(ADMIN), AdministerProfileForm, profiles.update_as_admin),
    Route("DELETE", "/subjects/{uid}/data_storages", services(ADMIN), DeleteDataStorageForm, data_storages.delete_as_admin),
    Route("GET",    "/users/{uid}/api_keys", services(ADMIN),    ListAnyApiKeysForm, api_keys.index_as_admin),
    Route("DELETE", "/users/{uid}/api_keys", services(IDENTITY), EndApiKeysForm,     api_keys.end_all),
    Route("GET", "/api_keys/{kid}",           services(GATEWAY), FindApiKeyForm, api_keys.find),
    Route("POST", "/attachments",             services(ADMIN), ListSnapshotsForm, attachments.index),
    Route("POST", "/uploads/links",           services(ADMIN), ListLinksForm, documents.links),
    Route("POST", "/nonces/use",              services(GATEWAY), UseNoncesForm, nonces.use),
)
# fmt: on
