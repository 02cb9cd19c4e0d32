"""An endpoint, the events that it gets, and the addresses that it may have."""

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yarl import URL

from shared.contracts.topology import WEBHOOKS
from shared.crypto.key_ring import KeyRing
from shared.database.reencrypt import SealedColumn
from shared.errors import Invalid, NotFound
from shared.values.addresses import Network, address_of, may_be_called

ACTIVE, DISABLED = "active", "disabled"
MAX_URL = 2048
MAX_PATTERNS = 50
MAX_DESCRIPTION = 500

OVERLAP = timedelta(hours=24)
"""For how long the previous secret signs, too, after a rotation."""

_SECRET_BYTES = 32
_PREFIX = "whsec_"
_PATTERN = re.compile(r"[a-z_]+(\.[a-z_]+)*(\.\*)?|\*")


class EndpointNotFound(NotFound):
    """There is no endpoint with this id."""

    codes = ("admin.webhook.doesnt_exist",)


class TooManyEndpoints(Invalid):
    """There are as many endpoints as there may be."""

    codes = ("admin.webhook.too_many",)


class InvalidUrl(Invalid):
    """Not a URL of an HTTP server, or not one of https."""

    codes = ("admin.webhook.invalid_url",)


class ForbiddenAddress(Invalid):
    """The URL names an address that is not public."""

    codes = ("admin.webhook.forbidden_address",)


class UnknownEvents(Invalid):
    """A pattern matches no event that webhooks get."""

    codes = ("admin.webhook.invalid_events",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An endpoint as an administrator writes it."""

    url: str
    description: str
    events: Sequence[str]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint; `secrets` are those that sign at present, the newest first."""

    id: int
    url: str
    description: str
    events: Sequence[str]
    state: str
    disabled_reason: str | None
    secrets: Sequence[bytes] = field(repr=False)
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Seal:
    """Secrets of endpoints at rest, sealed."""

    ring: KeyRing

    def close(self, secret: bytes) -> bytes:
        """The secret, encrypted for the table."""
        return self.ring.encrypt(secret, _CONTEXT)

    def open(self, sealed: bytes) -> bytes:
        """The secret; raises `UndecryptableError`."""
        return self.ring.decrypt(sealed, _CONTEXT)


_CONTEXT = "endpoints.secret"
SEALED = tuple(
    SealedColumn("endpoints", "id", column, lambda _id: _CONTEXT)
    for column in ("secret", "previous_secret")
)
"""The secrets of all endpoints, for re-encryption."""


def new_secret() -> bytes:
    """A secret for HMAC-SHA256, random."""
    return secrets.token_bytes(_SECRET_BYTES)


def shown(secret: bytes) -> str:
    """A secret as Standard Webhooks writes it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secret).decode()


def matches(patterns: Sequence[str], name: str) -> bool:
    """Whether an endpoint with these patterns gets the event: `*`, `model.user.*`, or a name."""
    return any(
        pattern == name or (pattern.endswith("*") and name.startswith(pattern[:-1]))
        for pattern in patterns
    )


def require_known(patterns: Sequence[str]) -> None:
    """Raises `UnknownEvents` unless each pattern matches an event that webhooks get."""
    if not 1 <= len(patterns) <= MAX_PATTERNS or not all(
        _PATTERN.fullmatch(pattern) and any(matches((pattern,), name) for name in WEBHOOKS.events)
        for pattern in patterns
    ):
        raise UnknownEvents


def require_url(text: str, *, plain_http: bool, allowed: Sequence[Network]) -> None:
    """Raises `InvalidUrl`, or `ForbiddenAddress` where the host is an address that is not public.

    What a name leads to is checked at each connection.
    """
    try:
        url = URL(text)
        port = url.port
    except ValueError:
        raise InvalidUrl from None
    if (
        url.scheme not in (("https", "http") if plain_http else ("https",))
        or not url.host
        or not port
    ):
        raise InvalidUrl
    if url.user is not None or url.password is not None or url.fragment:
        raise InvalidUrl
    address = address_of(url.host)
    if address is not None and not may_be_called(address, allowed):
        raise ForbiddenAddress
