"""The scheme of challenges: that of the token that came with the call (RFC 9449, 7.1)."""

from typing import Final

from multidict import MultiMapping

from shared.tokens.dpop import ALGORITHMS
from shared.web.principal import presents_bearer, presents_bound

_BEARER: Final = "Bearer"
_ALGORITHMS: Final = f'algs="{" ".join(ALGORITHMS)}"'


def presents_bound_only(headers: MultiMapping[str]) -> bool:
    """Whether a call came with a token that is bound to a key, and with no bearer token."""
    return presents_bound(headers) and not presents_bearer(headers)


def in_dpop(challenge: str) -> str:
    """A challenge (`WWW-Authenticate`) as clients with bound tokens get it.

    Only a challenge for bearer tokens is another one then.
    """
    scheme, _, parameters = challenge.partition(" ")
    if scheme != _BEARER:
        return challenge
    return f"DPoP {parameters}, {_ALGORITHMS}" if parameters else f"DPoP {_ALGORITHMS}"
