"""Why something was refused, in the words of the audit log."""

from identity_svc.mail_tokens.errors import UtilizedToken
from identity_svc.passwords.errors import PasswordsDiffer, SamePassword, WrongPassword
from identity_svc.second_factor.errors import AlreadyEnabled, NotEnabled, UsedCode, WrongCode
from identity_svc.sessions.errors import (
    Banned,
    Deleted,
    InvalidOtp,
    MissingOtp,
    NotActive,
    WrongCredentials,
)
from shared.errors import Invalid, Refusal, UserNotActive

_REASONS: dict[type[Refusal], str] = {
    WrongCredentials: "Invalid Email or Password",
    Banned: "Your account is banned",
    Deleted: "Your account is deleted",
    NotActive: "Your account is not active",
    MissingOtp: "The account has enabled 2FA but OTP code is missing",
    InvalidOtp: "OTP code is invalid",
    WrongCode: "OTP code is invalid",
    UsedCode: "OTP code was used before",
    AlreadyEnabled: "2FA is enabled already",
    NotEnabled: "2FA is not enabled",
    PasswordsDiffer: "New password and its confirmation are not the same",
    WrongPassword: "Previous password is not correct",
    SamePassword: "New password is the same as the old one",
    UtilizedToken: "The token was utilized",
    UserNotActive: "Your account is not active",
}


def reason_of(refusal: Refusal) -> str | None:
    """The reason; None where it lies not in what the user did, but in the times or in ourselves."""
    if type(refusal) is Invalid:  # values that break rules: what and why, as Barong says it
        return " and ".join(code.replace(".", " ").capitalize() for code in refusal.codes)
    return _REASONS.get(type(refusal))
