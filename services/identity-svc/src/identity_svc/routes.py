"""Every URL of identity-svc."""

from typing import Any

from identity_svc.about import handlers as about
from identity_svc.access import handlers as access
from identity_svc.access.schemas import UseWhitelinkForm
from identity_svc.account_status import handlers as account_status
from identity_svc.account_status.schemas import ApplyLabelsForm
from identity_svc.administration import handlers as administration
from identity_svc.administration.schemas import (
    ChangeRoleForm,
    ChangeStateForm,
    GetSubjectForm,
    ResetSecondFactorForm,
)
from identity_svc.captcha import handlers as captcha
from identity_svc.confirmations import handlers as confirmations
from identity_svc.confirmations.schemas import ConfirmEmailForm, RequestConfirmationForm
from identity_svc.logins import handlers as logins
from identity_svc.logins.schemas import LogInForm
from identity_svc.password_resets import handlers as password_resets
from identity_svc.password_resets.schemas import RequestResetForm, ResetPasswordForm
from identity_svc.passwords import handlers as passwords
from identity_svc.passwords.schemas import (
    ChangePasswordForm,
    ValidatePasswordForm,
    VerifyPasswordForm,
)
from identity_svc.second_factor import handlers as second_factor
from identity_svc.second_factor.schemas import CodeForm, CreateForm, EnableForm
from identity_svc.sessions import handlers as sessions
from identity_svc.sessions.schemas import (
    IssueTokenForm,
    ListSessionsForm,
    ResolveSessionForm,
    RevokeSessionForm,
    RevokeSessionOfForm,
)
from identity_svc.sign_ups import handlers as sign_ups
from identity_svc.sign_ups.schemas import SignUpForm
from identity_svc.signing_keys import handlers as signing_keys
from identity_svc.signing_keys.schemas import SignEventsForm
from identity_svc.users import handlers as users
from identity_svc.users.schemas import ChangeDataForm, GetUserForm, ListUsersForm
from shared.contracts.services import ADMIN, GATEWAY, RESOURCE
from shared.web.routes import ANYONE, BEARER, NoParameters, Route, services

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "/.well-known/jwks.json",                        ANYONE, NoParameters,            signing_keys.jwks),
    Route("POST",   "/api/v2/identity/users",                        ANYONE, SignUpForm,              sign_ups.sign_up,             tells_missing=True),
    Route("POST",   "/api/v2/identity/users/email/confirm_code",     ANYONE, ConfirmEmailForm,        confirmations.confirm,        tells_missing=True),
    Route("POST",   "/api/v2/identity/users/email/generate_code",    ANYONE, RequestConfirmationForm, confirmations.request_mail,   tells_missing=True),
    Route("POST",   "/api/v2/identity/users/password/confirm_code",  ANYONE, ResetPasswordForm,       password_resets.reset,        tells_missing=True),
    Route("POST",   "/api/v2/identity/users/password/generate_code", ANYONE, RequestResetForm,        password_resets.request_mail, tells_missing=True),
    Route("POST",   "/api/v2/identity/password/validate",            ANYONE, ValidatePasswordForm,    passwords.validate),
    Route("GET",    "/api/v2/identity/users/register_geetest",       ANYONE, NoParameters,            captcha.register_geetest),
    Route("POST",   "/api/v2/identity/users/access",                 ANYONE, UseWhitelinkForm,        access.use_whitelink,         tells_missing=True),
    Route("POST",   "/api/v2/identity/sessions",                     ANYONE, LogInForm,               logins.log_in,                tells_missing=True),
    Route("GET",    "/api/v2/identity/sessions",                     BEARER, NoParameters,            sessions.show),
    Route("DELETE", "/api/v2/identity/sessions",                     ANYONE, NoParameters,            sessions.log_out),
    Route("GET",    "/api/v2/identity/configs",                      ANYONE, NoParameters,            about.configs),
    Route("GET",    "/api/v2/identity/version",                      ANYONE, NoParameters,            about.version),
    Route("GET",    "/api/v2/identity/time",                         ANYONE, NoParameters,            about.current_time),
    Route("GET",    "/api/v2/identity/ping",                         ANYONE, NoParameters,            about.ping),
)

INTERNAL: tuple[Route[Any], ...] = (
    Route("GET",    "/.well-known/jwks.json",       ANYONE,                             NoParameters,        signing_keys.jwks),
    Route("POST",   "/events/sign",                 services(RESOURCE, ADMIN),          SignEventsForm,      signing_keys.sign_events),
    Route("POST",   "/sessions/resolve",            services(GATEWAY),                  ResolveSessionForm,  sessions.resolve),
    Route("DELETE", "/sessions/{sid}",              services(GATEWAY),                  RevokeSessionForm,   sessions.revoke),
    Route("GET",    "/users/{uid}/sessions",        services(RESOURCE),                 ListSessionsForm,    sessions.index),
    Route("DELETE", "/users/{uid}/sessions/{sid}",  services(RESOURCE),                 RevokeSessionOfForm, sessions.revoke_of),
    Route("POST",   "/users/{uid}/password/verify", services(RESOURCE),                 VerifyPasswordForm,  passwords.verify),
    Route("PUT",    "/users/{uid}/password",        services(RESOURCE),                 ChangePasswordForm,  passwords.change),
    Route("POST",   "/users/{uid}/otp",             services(RESOURCE),                 CreateForm,          second_factor.create),
    Route("POST",   "/users/{uid}/otp/enable",      services(RESOURCE),                 EnableForm,          second_factor.enable),
    Route("POST",   "/users/{uid}/otp/verify",      services(RESOURCE),                 CodeForm,            second_factor.verify),
    Route("POST",   "/users/{uid}/otp/disable",     services(RESOURCE),                 CodeForm,            second_factor.disable),
    Route("DELETE", "/users/{uid}/otp",             services(ADMIN),                    ResetSecondFactorForm, administration.reset_second_factor),
    Route("POST",   "/users/{uid}/subject",         services(RESOURCE),                 GetSubjectForm,      administration.get_subject),
    Route("POST",   "/users/{uid}/successor",       services(RESOURCE),                 GetUserForm,         account_status.demand_successor),
    Route("PUT",    "/users/{uid}/role",            services(ADMIN),                    ChangeRoleForm,      administration.change_role),
    Route("PUT",    "/users/{uid}/state",           services(ADMIN),                    ChangeStateForm,     administration.change_state),
    Route("GET",    "/users",                       services(ADMIN),                    ListUsersForm,       users.index),
    Route("GET",    "/users/{uid}",                 services(RESOURCE, ADMIN),          GetUserForm,         users.get),
    Route("PUT",    "/users/{uid}/data",            services(RESOURCE),                 ChangeDataForm,      users.change_data),
    Route("POST",   "/users/{uid}/token",           services(GATEWAY),                  IssueTokenForm,      sessions.issue_token),
    Route("PUT",    "/users/{uid}/labels",          services(RESOURCE),                 ApplyLabelsForm,     account_status.apply_labels),
)
# fmt: on
