"""An API key: what a program signs its calls with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from resource_svc.api_keys.public_key import in_base64url
from shared.contracts.api_keys import ED25519, HMAC_SHA256, HS256
from shared.web.answers import seconds

ALGORITHMS = (HS256, HMAC_SHA256, ED25519)
ACTIVE, INACTIVE, DISABLED = "active", "inactive", "disabled"
STATES = (ACTIVE, INACTIVE, DISABLED)
"""Only active keys work; the other two are one thing with two names, which front ends use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One API key of one user, without its secret; unique by `kid`.

    `public_key` is that of an `ed25519` key, 32 bytes, None of all others.
    """

    kid: str
    uid: str
    algorithm: str
    scope: list[str]
    state: str
    created_at: datetime
    updated_at: datetime
    public_key: bytes | None = None

    def model(self) -> dict[str, Any]:
        """The `APIKey` of the public API, as it is after its creation."""
        return {
            "kid": self.kid,
            "algorithm": self.algorithm,
            "scope": self.scope,
            "state": self.state,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }

    def model_for_owner(self) -> dict[str, Any]:
        """The same with the public key, where there is one."""
        if self.public_key is None:
            return self.model()
        return {**self.model(), "public_key": in_base64url(self.public_key)}
