"""Every URL of identity-svc."""

from typing import Any

from identity_svc.about import handlers as about
from identity_svc.access import handlers as access
from identity_svc.account_status import handlers as account_status
from identity_svc.administration import handlers as administration
from identity_svc.captcha import handlers as captcha
from identity_svc.confirmations import handlers as confirmations
from identity_svc.email_changes import handlers as email_changes
from identity_svc.linked_accounts import handlers as linked_accounts
from identity_svc.logins import handlers as logins
from identity_svc.passkeys import handlers as passkeys
from identity_svc.password_resets import handlers as password_resets
from identity_svc.passwords import handlers as passwords
from identity_svc.second_factor import handlers as second_factor
from identity_svc.sessions import handlers as sessions
from identity_svc.sign_ups import handlers as sign_ups
from identity_svc.signing_keys import handlers as signing_keys
from identity_svc.trusted_devices import handlers as trusted_devices
from identity_svc.users import handlers as users
from identity_svc.verifications import handlers as verifications
from shared.archive import handlers as archive
from shared.contracts.services import ADMIN, GATEWAY, OAUTH, RESOURCE, WEBHOOKS
from shared.web.routes import ANYONE, BEARER, Route, services

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/.well-known/jwks.json",                        ANYONE, signing_keys.jwks),
    Route("POST",   "/api/v2/identity/users",                        ANYONE, sign_ups.sign_up),
    Route("POST",   "/api/v2/identity/users/email/confirm_code",     ANYONE, confirmations.confirm),
    Route("POST",   "/api/v2/identity/users/email/generate_code",    ANYONE, confirmations.request_mail),
    Route("POST",   "/api/v2/identity/users/email/change",           ANYONE, email_changes.confirm_change),
    Route("POST",   "/api/v2/identity/users/email/reversal",         ANYONE, email_changes.reverse_change),
    Route("POST",   "/api/v2/identity/users/password/confirm_code",  ANYONE, password_resets.reset),
    Route("POST",   "/api/v2/identity/users/password/generate_code", ANYONE, password_resets.request_mail),
    Route("POST",   "/api/v2/identity/password/validate",            ANYONE, passwords.validate),
    Route("GET",    "/api/v2/identity/users/register_geetest",       ANYONE, captcha.register_geetest),
    Route("POST",   "/api/v2/identity/users/access",                 ANYONE, access.use_whitelink),
    Route("POST",   "/api/v2/identity/sessions",                     ANYONE, logins.log_in),
    Route("POST",   "/api/v2/identity/sessions/passkey/options",     ANYONE, logins.passkey_options),
    Route("POST",   "/api/v2/identity/sessions/passkey",             ANYONE, logins.log_in_with_passkey),
    Route("POST",   "/api/v2/identity/sessions/mail/request",        ANYONE, logins.request_log_in_mail),
    Route("POST",   "/api/v2/identity/sessions/mail",                ANYONE, logins.log_in_by_mail),
    Route("POST",   "/api/v2/identity/sessions/provider/request",    ANYONE, logins.request_provider_log_in),
    Route("POST",   "/api/v2/identity/sessions/provider",            ANYONE, logins.log_in_by_provider),
    Route("GET",    "/api/v2/identity/sessions",                     BEARER, sessions.show),
    Route("DELETE", "/api/v2/identity/sessions",                     ANYONE, sessions.log_out),
    Route("GET",    "/api/v2/identity/configs",                      ANYONE, about.configs),
    Route("GET",    "/api/v2/identity/version",                      ANYONE, about.version),
    Route("GET",    "/api/v2/identity/time",                         ANYONE, about.current_time),
    Route("GET",    "/api/v2/identity/ping",                         ANYONE, about.ping),

    # What users do with their own credentials: routes.yaml leads these paths here.
    Route("POST",   "/api/v2/resource/sessions/verify",              BEARER, verifications.verify),
    Route("POST",   "/api/v2/resource/sessions/verify/passkey/options", BEARER, verifications.passkey_options),
    Route("POST",   "/api/v2/resource/sessions/verify/passkey",      BEARER, verifications.verify_by_passkey),
    Route("POST",   "/api/v2/resource/users/email",                  BEARER, email_changes.request_change),
    Route("GET",    "/api/v2/resource/trusted_devices",              BEARER, trusted_devices.index),
    Route("DELETE", "/api/v2/resource/trusted_devices/{id}",         BEARER, trusted_devices.revoke),
    Route("GET",    "/api/v2/resource/linked_accounts",              BEARER, linked_accounts.index),
    Route("POST",   "/api/v2/resource/linked_accounts/request",      BEARER, linked_accounts.request_link),
    Route("POST",   "/api/v2/resource/linked_accounts",              BEARER, linked_accounts.link),
    Route("DELETE", "/api/v2/resource/linked_accounts/{id}",         BEARER, linked_accounts.remove),
    Route("GET",    "/api/v2/resource/passkeys",                     BEARER, passkeys.index),
    Route("POST",   "/api/v2/resource/passkeys/options",             BEARER, passkeys.options),
    Route("POST",   "/api/v2/resource/passkeys",                     BEARER, passkeys.add),
    Route("PATCH",  "/api/v2/resource/passkeys/{id}",                BEARER, passkeys.rename),
    Route("DELETE", "/api/v2/resource/passkeys/{id}",                BEARER, passkeys.delete),
    Route("POST",   "/api/v2/resource/otp/recovery_codes",           BEARER, second_factor.create_recovery_codes),
    Route("GET",    "/api/v2/resource/otp/recovery_codes",           BEARER, second_factor.show_recovery_codes),
)


INTERNAL: tuple[Route[Any], ...] = (
    Route("GET",    "/.well-known/jwks.json",       ANYONE,                    signing_keys.jwks),
    Route("POST",   "/events/sign",                 services(RESOURCE, ADMIN, WEBHOOKS, OAUTH), signing_keys.sign_events),
    Route("POST",   "/tokens/sign",                 services(OAUTH),           signing_keys.sign_token),
    Route("POST",   "/sessions",                    services(OAUTH),           logins.log_in_by_page),
    Route("POST",   "/sessions/resolve",            services(GATEWAY, OAUTH),         sessions.resolve),
    Route("DELETE", "/sessions/{sid}",              services(GATEWAY, OAUTH),         sessions.revoke),
    Route("GET",    "/users/{uid}/sessions",        services(RESOURCE, ADMIN), sessions.index),
    Route("DELETE", "/users/{uid}/sessions",        services(ADMIN),           administration.end_sessions),
    Route("DELETE", "/users/{uid}/sessions/{sid}",  services(RESOURCE),        sessions.revoke_of),
    Route("POST",   "/users/{uid}/password/verify", services(RESOURCE),        passwords.verify),
    Route("PUT",    "/users/{uid}/password",        services(RESOURCE),        passwords.change),
    Route("POST",   "/users/{uid}/otp",             services(RESOURCE),        second_factor.create),
    Route("POST",   "/users/{uid}/otp/enable",      services(RESOURCE),        second_factor.enable),
    Route("POST",   "/users/{uid}/otp/verify",      services(RESOURCE),        second_factor.verify),
    Route("POST",   "/users/{uid}/otp/disable",     services(RESOURCE),        second_factor.disable),
    Route("DELETE", "/users/{uid}/otp",             services(ADMIN),           administration.reset_second_factor),
    Route("GET",    "/users/{uid}/passkeys",        services(RESOURCE),        passkeys.index_of),
    Route("GET",    "/users/{uid}/linked_accounts", services(RESOURCE),        linked_accounts.index_of),
    Route("GET",    "/users/{uid}/recovery_codes",  services(RESOURCE),        second_factor.show_recovery_codes_of),
    Route("GET",    "/users/{uid}/trusted_devices", services(RESOURCE),        trusted_devices.index_of),
    Route("POST",   "/users/{uid}/subject",         services(RESOURCE),        administration.get_subject),
    Route("POST",   "/users/{uid}/successor",       services(RESOURCE),        account_status.demand_successor),
    Route("PUT",    "/users/{uid}/role",            services(ADMIN),           administration.change_role),
    Route("PUT",    "/users/{uid}/email",           services(ADMIN),           administration.change_email),
    Route("PUT",    "/users/{uid}/state",           services(ADMIN),           administration.change_state),
    Route("GET",    "/users",                       services(ADMIN),           users.index),
    Route("GET",    "/users/{uid}",                 services(RESOURCE, ADMIN, OAUTH), users.get),
    Route("PUT",    "/users/{uid}/data",            services(RESOURCE),        users.change_data),
    Route("POST",   "/users/{uid}/token",           services(GATEWAY),         sessions.issue_token),
    Route("PUT",    "/users/{uid}/labels",          services(RESOURCE),        account_status.apply_labels),
    *archive.ROUTES,
)
# fmt: on
