"""TOTP codes (RFC 6238) as authenticators make them: SHA-1, six digits, steps of 30 seconds."""

from urllib.parse import quote, urlencode

import pyotp
from pyotp.exceptions import OTPVerificationError

_DRIFT = 1  # steps that a clock may be off, either way


def new_secret() -> str:
    """160 random bits in Base32."""
    return pyotp.random_base32(32)


def matching_step(secret: str, code: str, now: float) -> int | None:
    """The time step whose code this is, None for a wrong one; `now` in seconds since the epoch."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=_DRIFT)
    except OTPVerificationError:
        return None


def otpauth_url(secret: str, email: str, issuer: str) -> str:
    """The address that authenticators read from a QR code."""
    parameters = {
        "algorithm": "SHA1",
        "digits": 6,
        "issuer": issuer,
        "period": 30,
        "secret": secret,
    }
    label = f"{quote(issuer, safe='')}:{quote(email, safe='@')}"
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"
