"""An API key as the gateway learns of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An API key and its secret, with which calls are signed; only `active` ones count."""

    kid: str
    uid: str
    secret: str = field(repr=False)
    scope: tuple[str, ...]
    state: str
    algorithm: str

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
