"""API keys as the gateway receives them, and the nonces of calls signed with them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

HS256 = "HS256"
"""Barong's scheme (version 1): an HMAC of nonce and kid. Message signatures work as well."""

HMAC_SHA256 = "hmac-sha256"
"""Message signatures (RFC 9421, 3.3.3) under the key's secret, and nothing else."""

ED25519 = "ed25519"
"""Message signatures (RFC 9421, 3.3.6) that the owner's public key verifies; there is no secret."""

MAX_NONCES = 1000
"""The largest number of nonces in one call of the internal API."""

MAX_NONCE_LIFETIME = 3_600_000
"""Milliseconds."""

CREATED_GRANULARITY = 1000
"""`created` of a message signature counts seconds; this is one in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An API key and what verifies its signatures; only `active` ones count.

    `secret` is None for `ed25519`, `public_key` (32 bytes in base64url) for all others.
    """

    kid: str
    uid: str
    secret: str | None = field(repr=False)
    public_key: str | None = None
    scope: tuple[str, ...]
    state: str
    algorithm: str

    @property
    def message_signatures_only(self) -> bool:
        """Whether only message signatures count, since version 1 covers nonce and kid alone."""
        return self.algorithm != HS256

    @property
    def signature_algorithm(self) -> str:
        """The algorithm of its message signatures, by its name in the registry of RFC 9421."""
        return ED25519 if self.algorithm == ED25519 else HMAC_SHA256

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "SigningKey":
        """The key that the internal API's answer describes."""
        return cls(
            kid=body["kid"],
            uid=body["uid"],
            secret=body["secret"],
            public_key=body.get("public_key"),
            scope=tuple(body["scope"]),
            state=body["state"],
            algorithm=body["algorithm"],
        )

    def to_internal(self) -> dict[str, Any]:
        """As the internal API answers."""
        return {
            "kid": self.kid,
            "uid": self.uid,
            "secret": self.secret,
            "public_key": self.public_key,
            "scope": list(self.scope),
            "state": self.state,
            "algorithm": self.algorithm,
        }


class Nonce(NamedTuple):
    """The nonce of a signed call; each works once for its key.

    `moment` is in milliseconds since the epoch. In version 1 it is the nonce, and `text` is empty.
    A message signature has a nonce of its own, `text`; `moment` is the end of the second in which
    it was created, and does not tell two nonces apart.
    """

    kid: str
    moment: int
    text: str = ""

    @property
    def identity(self) -> tuple[str, int, str]:
        """The same for two nonces of which only one may be used."""
        return (self.kid, 0, self.text) if self.text else (self.kid, self.moment, "")

    @classmethod
    def of(cls, members: Any) -> "Nonce":
        """The nonce that the internal API receives; raises ValueError."""
        match members:
            case [str() as kid, int() as moment] if is_kid(kid) and 0 < moment < 2**53:
                return cls(kid, moment)
            case [str() as kid, int() as moment, str() as text] if (
                is_kid(kid) and 0 < moment < 2**53 and is_nonce(text)
            ):
                return cls(kid, moment, text)
        raise ValueError("Neither kid and moment nor kid, moment and text.")

    def members(self) -> tuple[Any, ...]:
        """As the internal API receives it."""
        return self if self.text else self[:2]


_KID = re.compile(r"[\x21-\x7e]{1,64}")
_NONCE = re.compile(r"[\x20-\x7e]{1,128}")


def is_kid(text: str) -> bool:
    """Whether a key could have this id."""
    return _KID.fullmatch(text) is not None


def is_nonce(text: str) -> bool:
    """Whether this may be the nonce of a message signature: 1 to 128 printable ASCII characters."""
    return _NONCE.fullmatch(text) is not None
