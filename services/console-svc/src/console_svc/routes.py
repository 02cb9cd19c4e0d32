"""Every page of console-svc."""

from console_svc.account import handlers as account
from console_svc.activity import handlers as activity
from console_svc.api_keys import handlers as api_keys
from console_svc.documents import handlers as documents
from console_svc.log_ins import handlers as log_ins
from console_svc.passwords import handlers as passwords
from console_svc.personal_data import handlers as personal_data
from console_svc.phones import handlers as phones
from console_svc.profiles import handlers as profiles
from console_svc.second_factor import handlers as second_factor
from console_svc.sessions import handlers as sessions
from console_svc.sign_ups import handlers as sign_ups
from console_svc.site import ANYONE, MEMBERS, Page

# fmt: off
PAGES: tuple[Page, ...] = (
    Page("/account",                        MEMBERS, account.show),
    Page("/account/sign-up",                ANYONE,  sign_ups.show,           sign_ups.sign_up),
    Page("/accounts/confirmation",          ANYONE,  sign_ups.show_confirm,   sign_ups.confirm),
    Page("/account/confirmation-mail",      ANYONE,  sign_ups.show_resend,    sign_ups.resend),
    Page("/account/log-in",                 ANYONE,  log_ins.show,            log_ins.log_in),
    Page("/account/log-out",                ANYONE,  log_ins.show_log_out,    log_ins.log_out),
    Page("/account/forgotten-password",     ANYONE,  passwords.show_forgotten, passwords.request_mail),
    Page("/accounts/password_reset",        ANYONE,  passwords.show_reset,    passwords.reset),
    Page("/account/password",               MEMBERS, passwords.show,          passwords.change),
    Page("/account/profile",                MEMBERS, profiles.show,           profiles.save),
    Page("/account/phones",                 MEMBERS, phones.show,             phones.add),
    Page("/account/phones/code",            MEMBERS, phones.show,             phones.send_code),
    Page("/account/phones/verification",    MEMBERS, phones.show,             phones.verify),
    Page("/account/phones/removal",         MEMBERS, phones.show,             phones.remove),
    Page("/account/documents",              MEMBERS, documents.show,          documents.upload, files=True),
    Page("/account/second-factor",          MEMBERS, second_factor.show,      second_factor.enable),
    Page("/account/second-factor/setup",    MEMBERS, second_factor.show,      second_factor.begin),
    Page("/account/second-factor/off",      MEMBERS, second_factor.show,      second_factor.disable),
    Page("/account/sessions",               MEMBERS, sessions.show,           sessions.end),
    Page("/account/sessions/others",        MEMBERS, sessions.show,           sessions.end_others),
    Page("/account/api-keys",               MEMBERS, api_keys.show,           api_keys.create),
    Page("/account/api-keys/{kid}/state",   MEMBERS, api_keys.show,           api_keys.change_state),
    Page("/account/api-keys/{kid}/removal", MEMBERS, api_keys.show,           api_keys.remove),
    Page("/account/activity",               MEMBERS, activity.show),
    Page("/account/data",                   MEMBERS, personal_data.show),
    Page("/account/data/export",            MEMBERS, personal_data.export),
    Page("/account/deletion",               MEMBERS, personal_data.show_deletion, personal_data.delete),
)
# fmt: on
