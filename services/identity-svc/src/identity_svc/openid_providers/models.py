"""OpenID providers, what they say about themselves and about a user, and how they fail.

Faults are 422: a 401 makes front ends forget the session that there may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.errors import Invalid, NotFound, Unavailable


class UnknownProvider(NotFound):
    """The configuration has no provider of this name."""

    codes = ("log_in_provider.doesnt_exist",)


class ProviderUnavailable(Unavailable):
    """The provider does not answer in time, or not as OpenID Connect wants it."""

    codes = ("log_in_provider.unavailable",)
    retry_after = 5


class DeniedAtProvider(Invalid):
    """The user did not allow the log-in at the provider."""

    codes = ("log_in_provider.denied",)


class RefusedByProvider(Invalid):
    """The provider refused the log-in, or the code that it had given."""

    codes = ("log_in_provider.refused",)


class WrongIssuer(Invalid):
    """The answer is from another provider than the one that was asked (RFC 9207)."""

    codes = ("log_in_provider.wrong_issuer",)


class InvalidIdToken(Invalid):
    """The provider's ID token is not signed by it, not for us, too old, or not for this log-in."""

    codes = ("log_in_provider.invalid_token",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider as the configuration has it.

    `sign_up`: who has no account here gets one. `link_by_email`: an account with the same address
    is linked, if the address is confirmed here and verified there.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    redirect_uri: str
    sign_up: bool
    link_by_email: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a provider says about itself (OpenID Connect Discovery 1.0, 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    names_issuer: bool
    """Whether answers carry `iss` (RFC 9207)."""
    basic: bool
    """Whether the client authenticates with HTTP Basic; else its secret is in the form."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What ties an answer to the question: `nonce`, and the verifier of PKCE (RFC 7636)."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who logged in at a provider: a subject, which is unique and stable at its issuer.

    `email` is an address in our spelling; None if the provider gives none that we accept.
    """

    issuer: str
    subject: str
    email: str | None
    email_verified: bool

    @property
    def verified_email(self) -> str | None:
        """The address, if the provider says that it verified it."""
        return self.email if self.email_verified else None


Providers = Sequence[Provider]
"""In the order of the configuration."""
