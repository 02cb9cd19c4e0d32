"""Registers clients for whoever has an initial access token, and lets them manage themselves."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oauth_svc.clients.models import (
    THE_CLIENT,
    ClientNotFound,
    RegisteredClient,
    Registration,
    TooManyClients,
    digest_of,
    new_secret,
)
from oauth_svc.clients.use_cases import Clients, has_secret
from oauth_svc.consents.use_cases import Consents
from oauth_svc.core import Core
from oauth_svc.protocol.client import AUTHENTICATION_METHODS, SECRET_BASIC
from oauth_svc.protocol.client_metadata import Terms, values_of
from oauth_svc.protocol.errors import (
    INVALID_CLIENT_METADATA,
    INVALID_REDIRECT_URI,
    INVALID_TOKEN,
    OAuthError,
)
from oauth_svc.registration.models import RegistrationOff
from shared.errors import Invalid

_OURS = (
    *("registration_access_token", "registration_client_uri"),
    *("client_secret_expires_at", "client_id_issued_at"),
)
"""What a client may not set (RFC 7592, 2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrations:
    """Registrations by clients. `tokens` are the digests of initial access tokens.

    `uri` is the registration endpoint.
    """

    clients: Clients
    consents: Consents
    tokens: Sequence[bytes]
    limit: int
    terms: Terms
    uri: str

    def uri_of(self, registered: RegisteredClient) -> str:
        """Where the client manages its registration (RFC 7592)."""
        return f"{self.uri}/{registered.client.client_id}"

    async def register(
        self, token: str | None, metadata: Mapping[str, Any]
    ) -> tuple[RegisteredClient, str | None, str]:
        """Registers a client; returns it, its secret, and its registration access token.

        Raises `RegistrationOff`, or `OAuthError`.
        """
        if not self.tokens:
            raise RegistrationOff
        digest = digest_of(token or "")
        if sum(hmac.compare_digest(digest, each) for each in self.tokens) == 0:
            raise _unauthorized(token)
        access_token = new_secret()
        registration = Registration(initial_token=digest, access_token=digest_of(access_token))
        wanted = values_of(metadata, self.terms)
        try:
            made, secret = await self.clients.register(wanted, registration, self.limit)
        except Invalid as refusal:
            raise _refused(refusal) from None
        return made, secret, access_token

    async def get(self, client_id: str, token: str | None) -> RegisteredClient:
        """The client that this registration access token is for; raises `OAuthError`."""
        try:
            found = await self.clients.get(client_id)
        except ClientNotFound:
            raise _unauthorized(token) from None  # RFC 7592, 2.1
        if token is None or not found.may_be_managed_with(token):
            raise _unauthorized(token)
        return found

    async def replace(
        self, client_id: str, token: str | None, metadata: Mapping[str, Any]
    ) -> tuple[RegisteredClient, str | None]:
        """Replaces all metadata (RFC 7592, 2.2); returns a secret if the client needs its first.

        Raises `OAuthError`.
        """
        before = await self.get(client_id, token)
        if metadata.get("client_id") != client_id or any(name in metadata for name in _OURS):
            raise OAuthError(INVALID_CLIENT_METADATA, "This is set by the server.")
        secret = metadata.get("client_secret")
        if secret is not None and not (isinstance(secret, str) and before.accepts(secret)):
            raise OAuthError(INVALID_CLIENT_METADATA, "client_secret is another one.")
        wanted = values_of(metadata, self.terms)
        for kept in ("resources", "access_token_seconds", "refresh_token_seconds"):
            del wanted[kept]  # an administrator may have changed them
        try:
            after = await self.clients.update(client_id, wanted, THE_CLIENT)
            if has_secret(after.client) and not after.secrets:
                return await self.clients.rotate_secret(client_id, THE_CLIENT)
        except ClientNotFound:
            raise _unauthorized(token) from None
        except Invalid as refusal:
            raise _refused(refusal) from None
        return after, None

    async def delete(self, client_id: str, token: str | None) -> None:
        """Deletes the client with its tokens and consents (RFC 7592, 2.3); raises `OAuthError`."""
        await self.get(client_id, token)
        try:
            await self.consents.delete_client(client_id, THE_CLIENT)
        except ClientNotFound:
            raise _unauthorized(token) from None


def _unauthorized(token: str | None) -> OAuthError:
    """RFC 6750, 3: no error if there was no token."""
    challenge = "Bearer" if token is None else f'Bearer error="{INVALID_TOKEN}"'
    return OAuthError(
        INVALID_TOKEN,
        "The token is missing, or not valid for this.",
        status=401,
        headers={"WWW-Authenticate": challenge},
    )


def _refused(refusal: Invalid) -> OAuthError:
    """A fault of a registration by its name in RFC 7591, 3.2.2."""
    if refusal.codes == TooManyClients.codes:
        return OAuthError(INVALID_CLIENT_METADATA, "No more clients may be registered.")
    if any(code.endswith(".invalid_redirect_uris") for code in refusal.codes):
        return OAuthError(INVALID_REDIRECT_URI, "One of redirect_uris is not supported.")
    names = ", ".join(code.rpartition(".invalid_")[2] for code in refusal.codes)
    return OAuthError(INVALID_CLIENT_METADATA, f"Not supported: {names}.")


def build(core: Core, clients: Clients, consents: Consents) -> Registrations:
    """Wires the feature."""
    settings = core.settings
    return Registrations(
        clients=clients,
        consents=consents,
        tokens=settings.registration_tokens,
        limit=settings.registration_limit,
        terms=Terms(
            scopes=settings.self_registered_scopes,
            resources=settings.self_registered_resources,
            methods=AUTHENTICATION_METHODS,
            default_method=SECRET_BASIC,
            access_seconds=settings.access_token_seconds,
            refresh_seconds=settings.refresh_token_seconds,
        ),
        uri=f"{settings.issuer}/oauth/register",
    )
