"""What makes a password good enough, and what is wrong with one."""

import math
import re
from dataclasses import dataclass

from zxcvbn_rs_py import zxcvbn

from identity_svc.users.models import Credentials
from shared.contracts.users import User
from shared.errors import Invalid
from shared.text import composed

MAX_LENGTH = 80
_JUDGED = 50  # zxcvbn's cost grows with the square of the length: 4 ms of the event loop


class PasswordsDiffer(Invalid):
    """The new password and its confirmation differ."""

    codes = ("password.doesnt_match",)


class WrongPassword(Invalid):
    """It is not the user's password."""

    codes = ("password.wrong",)


class SamePassword(Invalid):
    """The new password is the old one."""

    codes = ("password.no_change",)


@dataclass(frozen=True, slots=True)
class CheckedPassword:
    """The user with this e-mail, None if nobody has it, and whether the password was right."""

    owner: User | None
    credentials: Credentials | None
    """The owner's credentials where it was right, else None."""


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """What the operator requires of passwords."""

    pattern: re.Pattern[str]
    min_entropy: float

    def faults(self, password: str) -> list[str]:
        """Codes of what is wrong, empty for a good password; it is judged composed (NFC)."""
        password = composed(password)
        codes = ["password.too_long"] if len(password) > MAX_LENGTH else []
        if not self.pattern.search(password):
            codes.append("password.requirements")
        elif entropy(password) < self.min_entropy:
            codes.append("password.weak")
        return codes


def entropy(password: str) -> float:
    """How many bits of guesses a password withstands: log2 of zxcvbn's count."""
    if not password:
        return 0.0
    return round(math.log2(zxcvbn(password[:_JUDGED]).guesses), 2)
