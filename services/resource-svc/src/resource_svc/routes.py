"""Every URL of resource-svc."""

from typing import Any

from resource_svc.api_keys import handlers as api_keys
from resource_svc.api_keys.forms import (
    ChangeApiKeyForm,
    CreateApiKeyForm,
    DeleteApiKeyForm,
    FindApiKeyForm,
)
from resource_svc.data_storages import handlers as data_storages
from resource_svc.data_storages.forms import DataStorageForm
from resource_svc.documents import handlers as documents
from resource_svc.documents.forms import LinkForm
from resource_svc.labels import handlers as labels
from resource_svc.labels.forms import KeyForm, LabelForm, PrivateLabelForm
from resource_svc.phones import handlers as phones
from resource_svc.phones.forms import SendCodeForm, VerifyPhoneForm
from resource_svc.profiles import handlers as profiles
from resource_svc.profiles.forms import ProfileForm
from resource_svc.users import handlers as users
from resource_svc.users.forms import UserForm
from shared.contracts.services import ADMIN, GATEWAY, IDENTITY
from shared.web.pagination import PageForm
from shared.web.routes import ANYONE, BEARER, NoParameters, Route, services

SERVICES = services(IDENTITY, ADMIN)

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/users/me",     BEARER, NoParameters, users.me),
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
    Route("PUT", "/users/{uid}/labels/{key}", SERVICES, PrivateLabelForm, labels.put_private),
    Route("GET", "/api_keys/{kid}",           services(GATEWAY), FindApiKeyForm, api_keys.find),
)
# fmt: on
