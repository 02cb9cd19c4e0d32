"""An API key: what a program signs its calls with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.api_keys import ALGORITHM, STRICT_ALGORITHM
from shared.web.answers import seconds

ALGORITHMS = (ALGORITHM, STRICT_ALGORITHM)
ACTIVE, INACTIVE, DISABLED = "active", "inactive", "disabled"
STATES = (ACTIVE, INACTIVE, DISABLED)
"""Only active keys work; the other two are one thing with two names, which front ends use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One API key of one user, without its secret; unique by `kid`."""

    kid: str
    uid: str
    algorithm: str
    scope: list[str]
    state: str
    created_at: datetime
    updated_at: datetime

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
