"""What a user can do about his account, in the words of the audit log."""

from typing import NamedTuple


class Deed(NamedTuple):
    """A topic and an action, as activities are looked for by."""

    topic: str
    action: str


SIGN_UP = Deed("account", "signup")
LOG_IN = Deed("session", "login")
LOG_IN_WITH_CODE = Deed("session", "login::2fa")
LOG_OUT = Deed("session", "logout")
REQUEST_RESET = Deed("password", "request password reset")
RESET_PASSWORD = Deed("password", "password reset")
CHANGE_PASSWORD = Deed("password", "password change")
REQUEST_SECRET = Deed("otp", "request QR code for 2FA")
ENABLE_SECOND_FACTOR = Deed("otp", "enable 2FA")
DISABLE_SECOND_FACTOR = Deed("otp", "disable 2FA")
VERIFY_CODE = Deed("otp", "verify 2FA code")
