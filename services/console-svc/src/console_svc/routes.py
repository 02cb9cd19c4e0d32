"""Every page of console-svc."""

from console_svc.access import handlers as access
from console_svc.account import handlers as account
from console_svc.activity import handlers as activity
from console_svc.api_keys import handlers as api_keys
from console_svc.applications import handlers as applications
from console_svc.audit_log import handlers as audit_log
from console_svc.dead_letters import handlers as dead_letters
from console_svc.directory import handlers as directory
from console_svc.documents import handlers as documents
from console_svc.email_changes import handlers as email_changes
from console_svc.linked_accounts import handlers as linked_accounts
from console_svc.log_ins import handlers as log_ins
from console_svc.mail_log_ins import handlers as mail_log_ins
from console_svc.overview import handlers as overview
from console_svc.passkeys import handlers as passkeys
from console_svc.passwords import handlers as passwords
from console_svc.personal_data import handlers as personal_data
from console_svc.phones import handlers as phones
from console_svc.policy import handlers as policy
from console_svc.profiles import handlers as profiles
from console_svc.provider_log_ins import handlers as provider_log_ins
from console_svc.recovery_codes import handlers as recovery_codes
from console_svc.reviews import handlers as reviews
from console_svc.second_factor import handlers as second_factor
from console_svc.sessions import handlers as sessions
from console_svc.sign_ups import handlers as sign_ups
from console_svc.signing_keys import handlers as signing_keys
from console_svc.site import ANYONE, MEMBERS, STAFF, Page
from console_svc.trusted_devices import handlers as trusted_devices
from console_svc.verifications import handlers as verifications
from console_svc.webhooks import handlers as webhooks

# fmt: off
PAGES: tuple[Page, ...] = (
    Page("/account",                        MEMBERS, account.show),
    Page("/account/sign-up",                ANYONE,  sign_ups.show,           sign_ups.sign_up),
    Page("/accounts/confirmation",          ANYONE,  sign_ups.show_confirm,   sign_ups.confirm),
    Page("/account/confirmation-mail",      ANYONE,  sign_ups.show_resend,    sign_ups.resend),
    Page("/account/log-in",                 ANYONE,  log_ins.show,            log_ins.log_in),
    Page("/account/log-in/passkey",         ANYONE,  log_ins.show,            log_ins.log_in_by_passkey),
    Page("/account/log-in/refusal",         ANYONE,  log_ins.show,            log_ins.refuse),
    Page("/account/log-in/mail",            ANYONE,  mail_log_ins.show_request, mail_log_ins.request_mail),
    Page("/account/log-in/code",            ANYONE,  mail_log_ins.show_code,  mail_log_ins.log_in),
    Page("/account/log-in/provider",        ANYONE,  log_ins.show,            provider_log_ins.start),
    Page("/account/log-in/provider/{name}", ANYONE,  provider_log_ins.come_back, provider_log_ins.log_in),
    Page("/account/log-out",                ANYONE,  log_ins.show_log_out,    log_ins.log_out),
    Page("/account/forgotten-password",     ANYONE,  passwords.show_forgotten, passwords.request_mail),
    Page("/accounts/password_reset",        ANYONE,  passwords.show_reset,    passwords.reset),
    Page("/account/verification",           MEMBERS, verifications.show,      verifications.verify),
    Page("/account/verification/passkey",   MEMBERS, verifications.show,      verifications.verify_by_passkey),
    Page("/account/email",                  MEMBERS, email_changes.show,      email_changes.ask),
    Page("/accounts/email_change",          ANYONE,  email_changes.show_change, email_changes.change),
    Page("/accounts/email_reversal",        ANYONE,  email_changes.show_reversal, email_changes.reverse),
    Page("/accounts/access",                ANYONE,  access.show,             access.use),
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
    Page("/account/recovery-codes",         MEMBERS, recovery_codes.show,     recovery_codes.make),
    Page("/account/passkeys",               MEMBERS, passkeys.show,           passkeys.add),
    Page("/account/passkeys/name",          MEMBERS, passkeys.show,           passkeys.rename),
    Page("/account/passkeys/removal",       MEMBERS, passkeys.show,           passkeys.remove),
    Page("/account/linked-accounts",        MEMBERS, linked_accounts.show,    linked_accounts.begin),
    Page("/account/linked-accounts/removal", MEMBERS, linked_accounts.show,   linked_accounts.remove),
    Page("/account/applications",           MEMBERS, applications.show,       applications.revoke),
    Page("/account/trusted-devices",        MEMBERS, trusted_devices.show,    trusted_devices.end),
    Page("/account/sessions",               MEMBERS, sessions.show,           sessions.end),
    Page("/account/sessions/others",        MEMBERS, sessions.show,           sessions.end_others),
    Page("/account/api-keys",               MEMBERS, api_keys.show,           api_keys.create),
    Page("/account/api-keys/{kid}/state",   MEMBERS, api_keys.show,           api_keys.change_state),
    Page("/account/api-keys/{kid}/removal", MEMBERS, api_keys.show,           api_keys.remove),
    Page("/account/activity",               MEMBERS, activity.show),
    Page("/account/data",                   MEMBERS, personal_data.show),
    Page("/account/data/export",            MEMBERS, personal_data.export),
    Page("/account/deletion",               MEMBERS, personal_data.show_deletion, personal_data.delete),

    Page("/console",                             STAFF, overview.show, reads=("admin/metrics/recent",)),
    Page("/console/users",                       STAFF, directory.search, reads=("admin/users",)),
    Page("/console/users/{uid}",                 STAFF, directory.show, reads=("admin/users/{uid}",)),
    Page("/console/users/{uid}/state",           STAFF, directory.show, directory.change_state,     sends="PUT admin/users"),
    Page("/console/users/{uid}/second-factor",   STAFF, directory.show, directory.turn_otp_off,     sends="PUT admin/users"),
    Page("/console/users/{uid}/role",            STAFF, directory.show, directory.change_role,      sends="POST admin/users/role"),
    Page("/console/users/{uid}/email",           STAFF, directory.show, directory.change_email,     sends="PUT admin/users/email"),
    Page("/console/users/{uid}/sessions",        STAFF, directory.show, directory.end_session,      sends="DELETE admin/users/sessions"),
    Page("/console/users/{uid}/sessions/all",    STAFF, directory.show, directory.end_all_sessions, sends="DELETE admin/users/sessions"),
    Page("/console/users/{uid}/labels",          STAFF, directory.show, directory.write_label,      sends="POST admin/users/labels/update"),
    Page("/console/users/{uid}/labels/removal",  STAFF, directory.show, directory.remove_label,     sends="DELETE admin/users/labels"),
    Page("/console/users/{uid}/documents",       STAFF, directory.show, directory.judge_documents,  sends="POST admin/users/labels/update"),
    Page("/console/users/{uid}/profile",         STAFF, directory.show, directory.judge_profile,    sends="PUT admin/profiles"),
    Page("/console/users/{uid}/profile/correction", STAFF, directory.show, directory.correct_profile, sends="PUT admin/profiles"),
    Page("/console/reviews",                     STAFF, reviews.show, reads=("admin/users/documents/pending",)),
    Page("/console/reviews/{uid}",               STAFF, reviews.show, reviews.judge,                sends="POST admin/users/labels/update"),
    Page("/console/permissions",                 STAFF, policy.show_permissions, policy.add_permission, reads=("admin/permissions",), sends="POST admin/permissions"),
    Page("/console/permissions/removal",         STAFF, policy.show_permissions, policy.remove_permission,    sends="DELETE admin/permissions"),
    Page("/console/restrictions",                STAFF, policy.show_restrictions, policy.add_restriction, reads=("admin/restrictions",), sends="POST admin/restrictions"),
    Page("/console/restrictions/trial",          STAFF, policy.show_restrictions, policy.try_restriction,     sends="GET admin/restrictions/check"),
    Page("/console/restrictions/state",          STAFF, policy.show_restrictions, policy.change_restriction,  sends="PUT admin/restrictions"),
    Page("/console/restrictions/removal",        STAFF, policy.show_restrictions, policy.remove_restriction,  sends="DELETE admin/restrictions"),
    Page("/console/restrictions/whitelink",      STAFF, policy.show_restrictions, policy.make_whitelink,      sends="POST admin/restrictions/whitelink"),
    Page("/console/activities/users",                 STAFF, audit_log.show, reads=("admin/activities",)),
    Page("/console/activities/users/export",          STAFF, audit_log.export, reads=("admin/activities",)),
    Page("/console/activities/administrators",        STAFF, audit_log.show, reads=("admin/activities/admin",)),
    Page("/console/activities/administrators/export", STAFF, audit_log.export, reads=("admin/activities/admin",)),
    Page("/console/webhooks",                    STAFF, webhooks.show, webhooks.add, reads=("admin/webhooks",), sends="POST admin/webhooks"),
    Page("/console/webhooks/{id}/state",         STAFF, webhooks.show, webhooks.change_state,   sends="PUT admin/webhooks/{id}"),
    Page("/console/webhooks/{id}/test",          STAFF, webhooks.show, webhooks.test,           sends="POST admin/webhooks/{id}/test"),
    Page("/console/webhooks/{id}/removal",       STAFF, webhooks.show, webhooks.remove,         sends="DELETE admin/webhooks/{id}"),
    Page("/console/webhooks/{id}/deliveries",    STAFF, webhooks.show_deliveries, webhooks.resend, reads=("admin/webhooks/{id}", "admin/webhooks/{id}/deliveries"), sends="POST admin/webhooks/{id}/deliveries/{delivery}/resend"),
    Page("/console/dead-letters",                STAFF, dead_letters.show, reads=("admin/dead_letters",)),
    Page("/console/dead-letters/{queue}",        STAFF, dead_letters.show_queue, reads=("admin/dead_letters/{queue}",)),
    Page("/console/dead-letters/{queue}/contents", STAFF, dead_letters.show_contents, reads=("admin/dead_letters/{queue}",)),
    Page("/console/dead-letters/{queue}/replay", STAFF, dead_letters.show_queue, dead_letters.replay, sends="POST admin/dead_letters/{queue}/replay"),
    Page("/console/dead-letters/{queue}/drop",   STAFF, dead_letters.show_queue, dead_letters.drop, sends="DELETE admin/dead_letters/{queue}"),
    Page("/console/signing-keys",                STAFF, signing_keys.show),
)
# fmt: on
