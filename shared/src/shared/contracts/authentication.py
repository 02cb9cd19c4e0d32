"""How and when a user was authenticated, and what a route may ask of that.

Methods (`amr`) are those of RFC 8176 where it has one. Levels (`acr`) are ours. The refusal is that
of RFC 9470, OAuth 2.0 Step Up Authentication Challenge.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.errors import Unauthenticated

PASSWORD: Final = "pwd"  # noqa: S105 - the name of a method
OTP: Final = "otp"
"""A code of an authenticator app, or a recovery code."""

KEY: Final = "pop"
"""A signature with a private key: a passkey."""

USER: Final = "user"
"""The authenticator verified its user: by a PIN, a fingerprint or a face."""

MAIL: Final = "email"
"""A link or a code that was mailed. RFC 8176 has no such method."""

PROVIDER: Final = "fed"
"""A log-in at another OpenID provider. RFC 8176 has no such method."""

SEVERAL: Final = "mfa"
"""More than one factor, beside the methods that were used."""

ONE_FACTOR: Final = "aal1"
TWO_FACTORS: Final = "aal2"
PHISHING_RESISTANT: Final = "phr"
"""A key that answers only to our own origins, and a verified user (OpenID EAP ACR Values 1.0)."""

_MAX_AGE, _ACR = re.compile(r'max_age="(\d{1,9})"'), re.compile(r'acr_values="(\w{1,32})"')

LEVELS: Final = (ONE_FACTOR, TWO_FACTORS, PHISHING_RESISTANT)
"""The values of `acr`, the weakest first. Whoever asks for one accepts the stronger ones."""


def methods(*used: str) -> tuple[str, ...]:
    """The value of `amr` for the methods used, each once, with `mfa` where there are several."""
    distinct = tuple(dict.fromkeys(each for each in used if each != SEVERAL))
    return (*distinct, SEVERAL) if len(distinct) > 1 else distinct


def level_of(used: tuple[str, ...]) -> str:
    """The level that these methods reach."""
    if {KEY, USER} <= set(used):
        return PHISHING_RESISTANT
    return TWO_FACTORS if SEVERAL in used else ONE_FACTOR


def reaches(acr: str | None, wanted: str) -> bool:
    """Whether a level is at least the wanted one; a level that is not ours reaches none."""
    return acr in LEVELS and LEVELS.index(acr) >= LEVELS.index(wanted)


@dataclass(frozen=True, slots=True)
class Authentication:
    """How a user was authenticated last in a session, and when."""

    amr: tuple[str, ...]
    acr: str
    at: datetime

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Authentication":
        """What an internal answer describes."""
        return cls(tuple(body["amr"]), body["acr"], datetime.fromisoformat(body["auth_time"]))

    def to_internal(self) -> dict[str, Any]:
        """As it travels in internal calls."""
        return {"amr": list(self.amr), "acr": self.acr, "auth_time": self.at.isoformat()}

    def to_claims(self) -> dict[str, Any]:
        """The claims of a token (OpenID Connect Core 1.0, 2)."""
        return {"amr": list(self.amr), "acr": self.acr, "auth_time": int(self.at.timestamp())}


class StepUpRequired(Unauthenticated):
    """The caller is known, but was authenticated too long ago, or not strongly enough.

    `max_age` is in seconds, `acr` a level. The answer names them (RFC 9470, 3).
    """

    codes = ("authz.insufficient_user_authentication",)

    def __init__(self, *, max_age: int | None = None, acr: str | None = None) -> None:
        super().__init__()
        wanted = [
            'Bearer error="insufficient_user_authentication"',
            'error_description="More recent or stronger authentication is required"',
            *([f'acr_values="{acr}"'] if acr else []),
            *([f'max_age="{max_age}"'] if max_age is not None else []),
        ]
        self.headers = {"WWW-Authenticate": ", ".join(wanted)}

    @classmethod
    def of(cls, challenge: str) -> "StepUpRequired":
        """The refusal with this `WWW-Authenticate` of another service of ours."""
        max_age, acr = _MAX_AGE.search(challenge), _ACR.search(challenge)
        return cls(max_age=int(max_age[1]) if max_age else None, acr=acr[1] if acr else None)
