"""What an API key may be, and when it may work."""

import re
from collections.abc import Iterator, Sequence

from resource_svc.api_keys.api_key import ALGORITHMS, STATES
from resource_svc.api_keys.errors import SecondFactorDisabled
from resource_svc.api_keys.public_key import ed25519_public_key
from shared.contracts.api_keys import ED25519
from shared.contracts.users import User

MAX_API_KEYS = 50
"""Nobody needs more; without a limit one user could fill the table."""
MAX_SCOPES = 32

_SCOPE = re.compile(r"[A-Za-z0-9_.:/*-]{1,64}")


def algorithm_faults(algorithm: str, kid: str | None) -> Iterator[str]:
    """Codes of what is wrong; Barong takes a `kid` where it would not make one itself."""
    if algorithm in ALGORITHMS:
        return
    if not algorithm.startswith("HS") and not kid:
        yield "kid.blank"
    yield "algorithm.inclusion"


def public_key_faults(algorithm: str, public_key: str | None) -> Iterator[str]:
    """Codes of what is wrong; `ed25519` needs a public key, the other algorithms have none."""
    if algorithm not in ALGORITHMS:
        return
    if algorithm != ED25519:
        if public_key is not None:
            yield "public_key.unexpected"
    elif public_key is None:
        yield "public_key.blank"
    else:
        try:
            ed25519_public_key(public_key)
        except ValueError:
            yield "public_key.invalid"


def scope_faults(scope: Sequence[str]) -> Iterator[str]:
    """Codes of what is wrong with a list of scopes."""
    if len(scope) > MAX_SCOPES:
        yield "scope.too_long"
    if not all(map(_SCOPE.fullmatch, scope)):
        yield "scope.invalid"


def state_faults(state: str) -> Iterator[str]:
    """Codes of what is wrong with a state."""
    if state not in STATES:
        yield "state.inclusion"


def demand_owner(user: User) -> None:
    """Raises `SecondFactorDisabled` for who may have no key that works."""
    if not user.otp:
        raise SecondFactorDisabled
