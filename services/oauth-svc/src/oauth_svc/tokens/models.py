"""Grants, and their tokens."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from oauth_svc.protocol.claims import OFFLINE_ACCESS
from oauth_svc.protocol.redemption import BoundCode

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068, 2.1
ID_TOKEN_TYPE = "JWT"  # noqa: S105 - the name of a type
MAX_TOKEN = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a user authorized a client to do or, without a user, what a machine may do."""

    id: UUID
    client_id: str
    uid: str | None
    sid: str | None
    scopes: Sequence[str]
    resources: Sequence[str]
    auth_time: datetime | None
    acr: str | None
    amr: Sequence[str]
    nonce: str | None
    claims: Mapping[str, Any]
    expires_at: datetime
    revoked_at: datetime | None
    parent_id: UUID | None = None
    """The grant whose token was exchanged for this one's."""

    @property
    def offline(self) -> bool:
        """Whether it outlives the session in which it was given."""
        return OFFLINE_ACCESS in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCode:
    """A code, and whether it was exchanged."""

    bound: BoundCode
    grant: Grant
    used: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRefreshToken:
    """A refresh token, and when it was used first."""

    grant: Grant
    expires_at: datetime
    used_at: datetime | None
    thumbprint: str | None
    """That of the key to which it is bound, None for one that is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """The claims of an access token whose signature was verified."""

    grant_id: UUID
    client_id: str
    subject: str
    audience: Sequence[str]
    scopes: Sequence[str]
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def thumbprint(self) -> str | None:
        """That of the key to which it is bound, None for a bearer token."""
        confirmation = self.claims.get("cnf")
        return confirmation["jkt"] if confirmation is not None else None


def new_token() -> str:
    """A code, refresh token or challenge: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_id(grant_id: UUID) -> str:
    """`jti` of a new token of a grant: it shows the grant, and no other token has it."""
    return f"{grant_id}.{secrets.token_hex(8)}"
