"""How many attempts are free, how long the next ones wait, and how that is forgiven."""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Literal

from shared.web.client_address import Address

Purpose = Literal["sign-up", "login", "login-otp", "otp", "reset", "password", "confirmation"]
"""What is attempted; each is counted for itself."""


@dataclass(frozen=True, slots=True)
class Limit:
    """After `free` attempts the next waits a second, each further one twice as long.

    No wait exceeds `longest` seconds; every `forgiving` seconds one attempt is forgiven, so that
    who goes on for ever settles at one attempt in that time.
    """

    free: int
    longest: float
    forgiving: float


PER_ACCOUNT = Limit(free=5, longest=900, forgiving=900)
"""Of one account from one network; of codes from everywhere, see `Throttle.attempt_code`."""

PER_NETWORK = Limit(free=100, longest=60, forgiving=10)
"""Of all accounts from one network: loose, for behind an address may be a whole office."""


def network_of(address: Address) -> str:
    """What counts as one network: an IPv4 address, an IPv6 /64.

    A subscriber has one IPv4 address but a whole /64 to choose from. Anything wider would count
    the owner together with strangers, who could then make him wait.
    """
    return str(ip_network((address, 32 if address.version == 4 else 64), strict=False))


def folded(account: str) -> str:
    """One spelling for what PostgreSQL's `lower` takes for the same e-mail.

    Letter by letter, as it does: `str.lower` makes two of U+0130, and looks at the neighbours of Σ.
    """
    return "".join(letter.lower()[0] for letter in account.strip())
