"""API keys as the gateway learns of them, and the nonces of calls signed with them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ALGORITHM = "HS256"
STRICT_ALGORITHM = "HS256-STRICT"
"""The same; but a key of this algorithm signs whole calls, and works for no others."""

MAX_NONCES = 1000
"""How many are used up with one call of the internal API."""

MAX_NONCE_LIFETIME = 3_600_000
"""Milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An API key and its secret, with which calls are signed; only `active` ones count."""

    kid: str
    uid: str
    secret: str = field(repr=False)
    scope: tuple[str, ...]
    state: str
    algorithm: str

    @property
    def strict(self) -> bool:
        """Whether only signatures over the whole call count."""
        return self.algorithm == STRICT_ALGORITHM

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "SigningKey":
        """The key that the internal API's answer describes."""
        fields = {name: body[name] for name in cls.__slots__}
        return cls(**{**fields, "scope": tuple(fields["scope"])})

    def body(self) -> dict[str, Any]:
        """As the internal API answers."""
        return {
            "kid": self.kid,
            "uid": self.uid,
            "secret": self.secret,
            "scope": list(self.scope),
            "state": self.state,
            "algorithm": self.algorithm,
        }


class Nonce(NamedTuple):
    """What makes a signed call another than all before; `moment` is milliseconds since the epoch.

    Each works once for its key.
    """

    kid: str
    moment: int

    @classmethod
    def of(cls, pair: Any) -> "Nonce":
        """The nonce that the internal API is told of; raises ValueError."""
        match pair:
            case [str() as kid, int() as moment] if is_kid(kid) and 0 < moment < 2**53:
                return cls(kid, moment)
        raise ValueError("Not a pair of a kid and a moment.")


_KID = re.compile(r"[\x21-\x7e]{1,64}")


def is_kid(text: str) -> bool:
    """Whether a key could have this id."""
    return _KID.fullmatch(text) is not None
