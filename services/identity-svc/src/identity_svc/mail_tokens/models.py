"""The purposes of mails, how many of them an account gets, and what is wrong with a token."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import Invalid

CONFIRMATION, RESET = "confirmation", "reset"
EMAIL_CHANGE, EMAIL_REVERSAL = "email_change", "email_reversal"
LOG_IN = "log_in"
CODES_GUESSED = "codes_guessed"
"""The warning that somebody who has the password is guessing codes."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

LIMITS: Mapping[str, tuple[tuple[int, int], ...]] = {
    CONFIRMATION: ((1, _MINUTE), (5, _HOUR)),
    RESET: ((1, _MINUTE), (5, _HOUR)),
    EMAIL_CHANGE: ((1, _MINUTE), (5, _HOUR)),
    LOG_IN: ((1, _MINUTE), (5, _HOUR), (20, _DAY)),
    CODES_GUESSED: ((1, _HOUR), (3, _DAY)),
}
"""By kind of mail: how many in how many seconds."""


@dataclass(frozen=True, slots=True)
class ReadToken:
    """The claims of a token that is signed, not expired and meant for this purpose."""

    jti: uuid.UUID
    purpose: str
    uid: str
    email: str


class UtilizedToken(Invalid):
    """This token, or another for the same purpose, was used, or its account may not log in."""

    codes = ("identity.user.utilized_token",)


class BadMailToken(Invalid):
    """`jwt.decode_and_verify.<why>`: the last word names the fault."""

    def __init__(self, why: str) -> None:
        super().__init__([f"jwt.decode_and_verify.{why}"])
