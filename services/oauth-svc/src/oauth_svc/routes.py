"""Every URL of oauth-svc."""

from typing import Any

from oauth_svc.authorizations import handlers as authorizations
from oauth_svc.clients import handlers as clients
from oauth_svc.consents import handlers as consents
from oauth_svc.devices import handlers as devices
from oauth_svc.discovery import handlers as discovery
from oauth_svc.pages import devices as device_pages
from oauth_svc.pages import handlers as pages
from oauth_svc.registration import handlers as registration
from oauth_svc.tokens import handlers as tokens
from shared.archive import handlers as archive
from shared.contracts.services import GATEWAY
from shared.web.routes import ANYONE, BEARER, Route, services

# fmt: off
PROTOCOL: tuple[Route[Any], ...] = (
    Route("GET",  "/.well-known/openid-configuration",       ANYONE, discovery.metadata),
    Route("GET",  "/.well-known/oauth-authorization-server", ANYONE, discovery.metadata),
    Route("GET",  "/oauth/authorize",        ANYONE, pages.authorize),
    Route("POST", "/oauth/authorize",        ANYONE, pages.authorize),
    Route("GET",  "/oauth/authorize/resume", ANYONE, pages.resume),
    Route("POST", "/oauth/par",              ANYONE, authorizations.push),
    Route("POST", "/oauth/device_authorization", ANYONE, devices.authorize),
    Route("POST", "/oauth/token",            ANYONE, tokens.token),
    Route("POST", "/oauth/introspect",       ANYONE, tokens.introspect),
    Route("POST", "/oauth/revoke",           ANYONE, tokens.revoke),
    Route("POST",   "/oauth/register",             ANYONE, registration.register),
    Route("GET",    "/oauth/register/{client_id}", ANYONE, registration.show),
    Route("PUT",    "/oauth/register/{client_id}", ANYONE, registration.replace),
    Route("DELETE", "/oauth/register/{client_id}", ANYONE, registration.delete),
    Route("GET",  "/oauth/userinfo",         ANYONE, tokens.userinfo),
    Route("POST", "/oauth/userinfo",         ANYONE, tokens.userinfo),
    Route("GET",  "/oauth/logout",           ANYONE, pages.log_out),
    Route("POST", "/oauth/logout",           ANYONE, pages.log_out),
    Route("GET",  "/oauth/login",            ANYONE, pages.show_login),
    Route("POST", "/oauth/login",            ANYONE, pages.log_in),
    Route("GET",  "/oauth/consent",          ANYONE, pages.show_consent),
    Route("POST", "/oauth/consent",          ANYONE, pages.consent),
    Route("GET",  "/oauth/device",           ANYONE, device_pages.show_form),
    Route("POST", "/oauth/device",           ANYONE, device_pages.enter),
    Route("GET",  "/oauth/device/login",     ANYONE, device_pages.show_login),
    Route("POST", "/oauth/device/login",     ANYONE, device_pages.log_in),
    Route("GET",  "/oauth/device/confirm",   ANYONE, device_pages.show_request),
    Route("POST", "/oauth/device/confirm",   ANYONE, device_pages.respond),
    Route("GET",  "/oauth/style.css",        ANYONE, pages.style),
)
"""Endpoints that the standards describe, and pages: the API document does not have them."""

PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/api/v2/identity/oauth/challenges/{id}", ANYONE, authorizations.show),
    Route("POST",   "/api/v2/identity/oauth/challenges/{id}", ANYONE, authorizations.respond),
    Route("POST",   "/api/v2/identity/oauth/devices",         ANYONE, devices.enter),
    Route("GET",    "/api/v2/identity/oauth/devices/{id}",    ANYONE, devices.show),
    Route("POST",   "/api/v2/identity/oauth/devices/{id}",    ANYONE, devices.respond),
    Route("GET",    "/api/v2/resource/consents",              BEARER, consents.index),
    Route("DELETE", "/api/v2/resource/consents/{client_id}",  BEARER, consents.revoke),
    Route("GET",    "/api/v2/admin/oauth_clients",                      BEARER, clients.index),
    Route("POST",   "/api/v2/admin/oauth_clients",                      BEARER, clients.create),
    Route("GET",    "/api/v2/admin/oauth_clients/{client_id}",          BEARER, clients.show),
    Route("PUT",    "/api/v2/admin/oauth_clients/{client_id}",          BEARER, clients.update),
    Route("DELETE", "/api/v2/admin/oauth_clients/{client_id}",          BEARER, consents.delete_client),
    Route("POST",   "/api/v2/admin/oauth_clients/{client_id}/secret",   BEARER, clients.rotate_secret),
    Route("GET",    "/api/v2/admin/oauth_clients/{client_id}/consents", BEARER, consents.index_of_client),
    Route("DELETE", "/api/v2/admin/oauth_clients/{client_id}/consents/{uid}", BEARER, consents.revoke_of_client),
)

INTERNAL: tuple[Route[Any], ...] = (
    Route("GET", "/grants/{id}", services(GATEWAY), tokens.find_grant),
    *archive.ROUTES,
)
# fmt: on
