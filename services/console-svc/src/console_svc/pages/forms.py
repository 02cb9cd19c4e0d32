"""Forms: what stands in them against forgery, and what is kept of them when they are refused."""

import hashlib
import secrets
from collections.abc import Mapping
from hmac import compare_digest
from urllib.parse import urlsplit

from aiohttp import web

from console_svc.pages.api import host_of, scheme_of
from shared.errors import Forbidden

FIELD = "csrf"
_COOKIE = "barong_form"
_MAX_TOKEN = 256
_NEVER_SHOWN = frozenset(
    {
        *("password", "old_password", "new_password", "confirm_password"),
        *("otp_code", "totp_code", "code", "recovery_code", "verification_code"),
        *("token", "secret", "credential"),
        *(FIELD, "g-recaptcha-response"),
    }
)


class ForeignForm(Forbidden):
    """The form was not one of ours, or of another session."""

    codes = ("console.foreign_form",)


def require_same_origin(request: web.Request) -> None:
    """Raises `ForeignForm` if the browser says that a page of another origin sent the form.

    Browsers that say nothing are left to the token.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise ForeignForm
    origin = request.headers.get("Origin", "")
    if origin and origin != "null" and urlsplit(origin).netloc != host_of(request):
        raise ForeignForm


def require_token(given: str, expected: str) -> None:
    """Raises `ForeignForm` unless the token of the form is the expected one."""
    if (
        not expected
        or len(given) > _MAX_TOKEN
        or not compare_digest(given.encode(), expected.encode())
    ):
        raise ForeignForm


class FormCookie:
    """The cookie behind the token in forms of visitors who have no session.

    The token is a digest of the cookie, which no script and no other site can read or set.
    """

    def __init__(self, request: web.Request) -> None:
        self._secure = scheme_of(request) == "https"
        # The prefix keeps hosts beside ours from setting it (RFC 6265bis, 4.1.3.2).
        self._name = f"__Host-{_COOKIE}" if self._secure else _COOKIE
        given = request.cookies.get(self._name, "")
        self._is_new = not 32 <= len(given) <= _MAX_TOKEN
        self._value = secrets.token_urlsafe(32) if self._is_new else given

    @property
    def token(self) -> str:
        """The token for forms."""
        return hashlib.sha256(b"form:" + self._value.encode()).hexdigest()

    def hand_over(self, response: web.StreamResponse) -> None:
        """Sets the cookie, if the browser has none."""
        if self._is_new:
            response.set_cookie(
                self._name,
                self._value,
                path="/",
                httponly=True,
                samesite="Strict",
                secure=self._secure,
            )


def kept(form: Mapping[str, object]) -> dict[str, str]:
    """The fields that a refused form shows again: never passwords and codes."""
    return {
        name: value
        for name, value in form.items()
        if isinstance(value, str) and name not in _NEVER_SHOWN
    }
