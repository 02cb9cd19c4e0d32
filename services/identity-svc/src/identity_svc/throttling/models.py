"""How many attempts are free, how long the next ones wait, and when they are forgiven."""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Literal

from shared.values.addresses import Address

Purpose = Literal[
    "sign-up",
    "login",
    "login-otp",
    "mail-login",
    "otp",
    "reset",
    "password",
    "confirmation",
    "passkey",
    "provider-login",
]
"""What is attempted; each purpose has counts of its own."""


@dataclass(frozen=True, slots=True)
class Limit:
    """After `free` attempts the next one waits a second, and each further one twice as long.

    No wait exceeds `longest` seconds. Every `forgiving` seconds one attempt is forgiven, so a
    client that never stops gets one attempt in that time.
    """

    free: int
    longest: float
    forgiving: float


PER_ACCOUNT = Limit(free=5, longest=900, forgiving=900)
"""For one account from one network; for codes from anywhere, see `Throttle.attempt_code`."""

PER_NETWORK = Limit(free=100, longest=60, forgiving=10)
"""For all accounts from one network: loose, because a whole office may share an address."""


def network_of(address: Address) -> str:
    """What counts as one network: an IPv4 address, an IPv6 /64.

    A subscriber has one IPv4 address but a whole /64 to choose from. With a wider network, other
    people could make the owner of an account wait.
    """
    return str(ip_network((address, 32 if address.version == 4 else 64), strict=False))


def folded(account: str) -> str:
    """One spelling for all texts that PostgreSQL's `lower` makes the same e-mail.

    It folds letter by letter, as PostgreSQL does: `str.lower` turns U+0130 into two letters, and
    folds Σ according to its neighbours.
    """
    return "".join(letter.lower()[0] for letter in account.strip())
