"""What users do about their accounts, and why it is refused, in the words of the audit log."""

from typing import NamedTuple

from shared.errors import Invalid, Refusal


class Action(NamedTuple):
    """A topic and an action, by which activities are searched."""

    topic: str
    action: str


SIGN_UP = Action("account", "signup")
LOG_IN = Action("session", "login")
LOG_IN_WITH_CODE = Action("session", "login::2fa")
VERIFY_SESSION = Action("session", "verify")
LOG_IN_WITH_PASSKEY = Action("session", "login::passkey")
LOG_IN_BY_MAIL = Action("session", "login::mail")
REQUEST_LOG_IN_MAIL = Action("session", "request login mail")
LOG_IN_BY_PROVIDER = Action("session", "login::provider")
LOG_OUT = Action("session", "logout")
ADD_PASSKEY = Action("passkey", "add passkey")
DELETE_PASSKEY = Action("passkey", "delete passkey")
LINK_ACCOUNT = Action("account", "link provider")
UNLINK_ACCOUNT = Action("account", "unlink provider")
REQUEST_EMAIL_CHANGE = Action("account", "request email change")
CHANGE_EMAIL = Action("account", "email change")
REVERSE_EMAIL_CHANGE = Action("account", "email change reversal")
REQUEST_RESET = Action("password", "request password reset")
RESET_PASSWORD = Action("password", "password reset")
CHANGE_PASSWORD = Action("password", "password change")
REQUEST_SECRET = Action("otp", "request QR code for 2FA")
ENABLE_SECOND_FACTOR = Action("otp", "enable 2FA")
DISABLE_SECOND_FACTOR = Action("otp", "disable 2FA")
CREATE_RECOVERY_CODES = Action("otp", "create recovery codes")
VERIFY_CODE = Action("otp", "verify 2FA code")

_REASONS = {
    "identity.session.invalid_params": "Invalid Email or Password",
    "identity.session.banned": "Your account is banned",
    "identity.session.deleted": "Your account is deleted",
    "identity.session.not_active": "Your account is not active",
    "identity.session.missing_otp": "The account has enabled 2FA but OTP code is missing",
    "identity.session.invalid_otp": "OTP code is invalid",
    "resource.session.invalid_password": "Password is not correct",
    "resource.session.missing_otp": "The account has enabled 2FA but OTP code is missing",
    "resource.session.invalid_otp": "OTP code is invalid",
    "mail_log_in.invalid": "The link or code of the mail is invalid",
    "mail_log_in.missing_code": "The code of the mail is missing",
    "otp.invalid": "OTP code is invalid",
    "totp.error": "OTP code was used before",
    "resource.otp.not_enabled": "2FA is not enabled",
    "authz.insufficient_user_authentication": "The last verification is too long ago",
    "passkey.cloned": "The passkey may have been copied",
    "passkey.invalid": "The passkey is invalid",
    "passkey.invalid_challenge": "The challenge is invalid",
    "passkey.invalid_origin": "The passkey was used at another site",
    "passkey.of_another_user": "The passkey belongs to another user",
    "passkey.unknown": "The passkey is unknown",
    "passkey.user_not_verified": "The authenticator did not verify its user",
    "resource.passkey.exists": "The passkey was added before",
    "resource.passkey.too_many": "There are too many passkeys",
    "log_in_provider.account_not_confirmed": "The account's email is not confirmed",
    "log_in_provider.denied": "The log-in was denied at the provider",
    "log_in_provider.invalid": "The provider's answer belongs to no log-in that was begun here",
    "log_in_provider.invalid_token": "The provider's ID token is invalid",
    "log_in_provider.not_linked": "The account is not linked to the provider",
    "log_in_provider.refused": "The provider refused the log-in",
    "log_in_provider.wrong_issuer": "The answer is from another provider",
    "resource.linked_account.taken": "The account at the provider is linked already",
    "resource.linked_account.too_many": "There are too many linked accounts",
    "email.taken": "Another account has this email",
    "email.no_change": "New email is the same as the old one",
    "email.not_confirmed": "Email is not confirmed",
    "otp.already_enabled": "2FA is enabled already",
    "otp.not_enabled": "2FA is not enabled",
    "password.doesnt_match": "New password and its confirmation are not the same",
    "password.wrong": "Previous password is not correct",
    "password.no_change": "New password is the same as the old one",
    "identity.user.utilized_token": "The token was utilized",
    "authz.user_not_active": "Your account is not active",
}
"""By the error code that the client gets."""


def reason_of(refusal: Refusal) -> str | None:
    """The reason; None where what the user did is not the cause: limits, or faults of ours."""
    if type(refusal) is Invalid:  # values that break rules: what and why, as Barong says it
        return " and ".join(code.replace(".", " ").capitalize() for code in refusal.codes)
    return next((_REASONS[code] for code in refusal.codes if code in _REASONS), None)
