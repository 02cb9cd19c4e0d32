"""What ties a provider's answer to the browser or session that asked, and why it is refused."""

import hashlib
import hmac
import secrets
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from identity_svc.openid_providers.models import Identity, Provider, Secrets
from shared.errors import Invalid

COOKIE = "_barong_provider_log_in"
"""The cookie that identifies the browser that was sent to a provider."""

SECONDS = 600
"""How long somebody may take at the provider, and for the second factor after it."""

MAX_PENDING = 5
"""The log-ins under way of one browser, and of one user who links; one more ends the oldest."""

MAX_STATE = 128
MAX_CODE = 4096
MAX_ISSUER = 2048

LOG_IN, LINK = "login", "link"
"""The beginning of a state, by which the page at the redirect URI tells log-ins from links."""


class InvalidProviderLogIn(Invalid):
    """The answer belongs to no log-in that this browser or session began, or to a used one.

    Or it is too old, or comes from another provider than the one that was asked.
    """

    codes = ("log_in_provider.invalid",)


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What the browser brought back from the provider (RFC 6749, 4.1.2; RFC 9207)."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    issuer: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who asked, and has to come back: a browser, or a user in a session, who links."""

    browser: bytes | None = field(default=None, repr=False)
    uid: str | None = None
    sid: uuid.UUID | None = None

    def is_among(self, others: "Sequence[Owner]") -> bool:
        """Whether it is one of these."""
        if self.browser is None:
            return self in others
        return any(
            other.browser is not None and hmac.compare_digest(self.browser, other.browser)
            for other in others
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A log-in under way; `identity` is there once the provider has answered."""

    state: bytes = field(repr=False)
    owner: Owner
    provider: str
    issuer: str
    secret: bytes = field(repr=False)
    identity: Identity | None


@dataclass(frozen=True, slots=True)
class Proven:
    """The identity that logged in at a provider, for a log-in or a link that has to use it up."""

    state: bytes = field(repr=False)
    provider: Provider
    identity: Identity


def new_state(purpose: str) -> str:
    """A new state for this purpose."""
    return f"{purpose}.{secrets.token_urlsafe(32)}"


def new_secret() -> bytes:
    """What the nonce and the verifier are made of."""
    return secrets.token_bytes(32)


def secrets_of(secret: bytes) -> Secrets:
    """The nonce and the verifier; neither tells the other."""
    return Secrets(_derived(secret, b"nonce"), _derived(secret, b"verifier"))


def state_digest(state: str) -> bytes:
    """What is stored of a state."""
    return hashlib.sha256(state.encode("utf-8", "surrogateescape")).digest()


def _derived(secret: bytes, purpose: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(secret, purpose, "sha256")).rstrip(b"=").decode()
