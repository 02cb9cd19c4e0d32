"""Every URL of resource-svc."""

from typing import Any

from resource_svc.accounts import handlers as accounts
from resource_svc.activities import handlers as activities
from resource_svc.api_keys import handlers as api_keys
from resource_svc.attachments import handlers as attachments
from resource_svc.data_storages import handlers as data_storages
from resource_svc.documents import handlers as documents
from resource_svc.exports import handlers as exports
from resource_svc.labels import handlers as labels
from resource_svc.nonces import handlers as nonces
from resource_svc.passwords import handlers as passwords
from resource_svc.phones import handlers as phones
from resource_svc.profiles import handlers as profiles
from resource_svc.second_factor import handlers as second_factor
from resource_svc.sessions import handlers as sessions
from resource_svc.users import handlers as users
from shared.archive import handlers as archive
from shared.contracts.services import ADMIN, GATEWAY, IDENTITY, OAUTH
from shared.web.routes import ANYONE, BEARER, Route, services

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/users/me",               BEARER, users.me),
    Route("PUT",    "/users/me",               BEARER, users.change_data),
    Route("DELETE", "/users/me",               BEARER, accounts.delete),
    Route("GET",    "/users/activity/{topic}", BEARER, activities.index),
    Route("GET",    "/users/me/export",        BEARER, exports.show),
    Route("PUT",    "/users/password",         BEARER, passwords.change),

    Route("GET",    "/sessions",      BEARER, sessions.index),
    Route("DELETE", "/sessions/{id}", BEARER, sessions.revoke),

    Route("POST", "/otp/generate_qrcode", BEARER, second_factor.generate_qrcode),
    Route("POST", "/otp/enable",          BEARER, second_factor.enable),
    Route("POST", "/otp/disable",         BEARER, second_factor.disable),
    Route("POST", "/otp/verify",          BEARER, second_factor.verify),

    Route("GET",    "/labels",       BEARER, labels.index),
    Route("POST",   "/labels",       BEARER, labels.create),
    Route("GET",    "/labels/{key}", BEARER, labels.show),
    Route("PATCH",  "/labels/{key}", BEARER, labels.change),
    Route("DELETE", "/labels/{key}", BEARER, labels.delete),

    Route("GET",  "/profiles/me", BEARER, profiles.me),
    Route("POST", "/profiles",    BEARER, profiles.create),
    Route("PUT",  "/profiles",    BEARER, profiles.change),

    Route("GET",    "/phones",           BEARER, phones.index),
    Route("POST",   "/phones",           BEARER, phones.create),
    Route("DELETE", "/phones",           BEARER, phones.delete),
    Route("POST",   "/phones/send_code", BEARER, phones.send_code),
    Route("POST",   "/phones/verify",    BEARER, phones.verify),

    Route("POST", "/data_storage", BEARER, data_storages.create),

    Route("GET",  "/documents",        BEARER, documents.index),
    Route("POST", "/documents",        BEARER, documents.create),
    Route("GET",  "/uploads/{key:.+}", ANYONE, documents.download),

    Route("GET",    "/api_keys",       BEARER, api_keys.index),
    Route("POST",   "/api_keys",       BEARER, api_keys.create),
    Route("PATCH",  "/api_keys/{kid}", BEARER, api_keys.change),
    Route("DELETE", "/api_keys/{kid}", BEARER, api_keys.delete),
)

INTERNAL: tuple[Route[Any], ...] = (
    Route("PUT",    "/users",                        services(IDENTITY), users.attachments),
    Route("PUT",    "/users/{uid}",                  services(ADMIN),    users.upsert),
    Route("PUT",    "/users/{uid}/labels/{key}",     services(IDENTITY), labels.put_private),
    Route("POST",   "/subjects/{uid}/labels",        services(ADMIN),    labels.create_as_admin),
    Route("PUT",    "/subjects/{uid}/labels",        services(ADMIN),    labels.update_as_admin),
    Route("DELETE", "/subjects/{uid}/labels",        services(ADMIN),    labels.delete_as_admin),
    Route("PUT",    "/subjects/{uid}/profile",       services(ADMIN),    profiles.update_as_admin),
    Route("DELETE", "/subjects/{uid}/data_storages", services(ADMIN),    data_storages.delete_as_admin),
    Route("GET",    "/users/{uid}/api_keys",         services(ADMIN),    api_keys.index_as_admin),
    Route("DELETE", "/users/{uid}/api_keys",         services(IDENTITY), api_keys.end_all),
    Route("GET",    "/api_keys/{kid}",               services(GATEWAY),  api_keys.find),
    Route("POST",   "/attachments",                  services(ADMIN, OAUTH),    attachments.index),
    Route("POST",   "/uploads/links",                services(ADMIN),    documents.links),
    Route("POST",   "/nonces/use",                   services(GATEWAY),  nonces.use),
    *archive.ROUTES,
)
# fmt: on
