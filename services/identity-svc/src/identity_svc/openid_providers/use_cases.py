"""Asks OpenID providers who somebody is (authorization code with PKCE, Core 1.0, 3.1)."""

import asyncio
import base64
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import structlog
from prometheus_client import CollectorRegistry, Counter
from yarl import URL

from identity_svc.core import Core
from identity_svc.openid_providers.configuration import read_providers
from identity_svc.openid_providers.http import ProviderConnections
from identity_svc.openid_providers.id_tokens import header_of, key_for, keys_of, verified_claims
from identity_svc.openid_providers.models import (
    DeniedAtProvider,
    Identity,
    InvalidIdToken,
    Metadata,
    Provider,
    Providers,
    ProviderUnavailable,
    RefusedByProvider,
    Secrets,
    UnknownProvider,
    WrongIssuer,
)
from identity_svc.users.models import email_faults
from shared.errors import Refusal
from shared.reasons import reason_of
from shared.text import ascii_email

log = structlog.get_logger()

T = TypeVar("T")

_FRESH_SECONDS, _STALE_SECONDS = 3600.0, 86_400.0
_FAILURE_SECONDS = 2.0
_MAX_ENDPOINT = 2048
_MAX_ACCESS_TOKEN = 16_384

PROVEN, REFUSED, DENIED, UNAVAILABLE = "proven", "refused", "denied", "unavailable"


class _Cached(Generic[T]):
    """Caches a provider's document for an hour; for up to a day if it cannot be fetched again.

    It is fetched once for all callers who need it at the same time. A failure is a failure for all
    of them: nobody waits for several attempts.
    """

    def __init__(self, provider: str, fetch: Callable[[], Awaitable[T]]) -> None:
        self._provider = provider
        self._fetch = fetch
        self._value: T | None = None
        self._fetched = self._failed = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, *, newer: bool = False) -> T:
        """The document; with `newer`, one that is fetched now. Raises `ProviderUnavailable`."""
        asked = time.monotonic()
        if not newer and self._value is not None and asked - self._fetched < _FRESH_SECONDS:
            return self._value
        async with self._lock:
            if self._value is not None and self._fetched > asked:
                return self._value
            stale = self._value if asked - self._fetched < _STALE_SECONDS else None
            patience = 0.0 if stale is None or newer else _FAILURE_SECONDS
            if self._failed <= asked - patience:
                try:
                    self._value = await self._fetch()
                    self._fetched = time.monotonic()
                    return self._value
                except ProviderUnavailable as error:
                    self._failed = time.monotonic()
                    if stale is None or newer:
                        raise
                    log.warning(
                        "provider_document_is_old",
                        provider=self._provider,
                        reason=reason_of(error) or None,
                    )
            if stale is None or newer:
                raise ProviderUnavailable(self._provider)
            return stale


class OpenIdProviders:
    """The providers of the configuration; their documents are fetched when they are needed."""

    def __init__(
        self,
        providers: Providers,
        connections: ProviderConnections,
        registry: CollectorRegistry,
        *,
        plain_http: bool,
        seconds: float,
    ) -> None:
        """`seconds` is how long a log-in waits for all calls to its provider together."""
        self._seconds = seconds
        self._by_name = {provider.name: provider for provider in providers}
        self._by_issuer = {provider.issuer: provider for provider in providers}
        self._connections = connections
        self._schemes = ("https", "http") if plain_http else ("https",)
        self._metadata = {each.name: self._cached_metadata(each) for each in providers}
        self._keys = {each.name: self._cached_keys(each) for each in providers}
        self._outcomes = Counter(
            "provider_log_ins",
            "Answers of OpenID providers with which somebody came back, by what became of them.",
            ("provider", "outcome"),
            registry=registry,
        )
        for name in self._by_name:
            for outcome in (PROVEN, REFUSED, DENIED, UNAVAILABLE):
                self._outcomes.labels(name, outcome)

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections for the time of the block."""
        return self._connections.opened()

    def list(self) -> Providers:
        """All of them, in the order of the configuration."""
        return tuple(self._by_name.values())

    def get(self, name: str) -> Provider:
        """The provider of this name; raises `UnknownProvider`."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownProvider from None

    def find_by_issuer(self, issuer: str) -> Provider | None:
        """The provider with this issuer; None if it is no longer configured."""
        return self._by_issuer.get(issuer)

    async def question(self, provider: Provider, state: str, secrets: Secrets) -> str:
        """The address at the provider to which a browser is sent.

        Raises `ProviderUnavailable`.
        """
        metadata = await self._metadata_of(provider)
        challenge = hashlib.sha256(secrets.verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": provider.redirect_uri,
            "scope": " ".join(provider.scopes),
            "state": state,
            "nonce": secrets.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = metadata.authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    async def check_issuer(self, provider: Provider, issuer: str) -> None:
        """Checks `iss` of an answer (RFC 9207, 2.4); blank is none.

        It may be absent if the provider does not promise it. Raises `WrongIssuer` or
        `ProviderUnavailable`.
        """
        metadata = await self._metadata_of(provider)
        if issuer != provider.issuer and (issuer or metadata.names_issuer):
            self._outcomes.labels(provider.name, REFUSED).inc()
            raise WrongIssuer

    def refuse_error(self, provider: Provider, error: str) -> None:
        """Raises the refusal for an answer with this `error`; blank is none."""
        if not error:
            return
        denied = error == "access_denied"
        self._outcomes.labels(provider.name, DENIED if denied else REFUSED).inc()
        log.info("provider_refused_log_in", provider=provider.name, error=error[:64])
        raise DeniedAtProvider if denied else RefusedByProvider

    async def prove(self, provider: Provider, code: str, secrets: Secrets) -> Identity:
        """Redeems the code; returns the identity that logged in at the provider.

        Raises `RefusedByProvider`, `InvalidIdToken` or `ProviderUnavailable`.
        """
        outcome = REFUSED
        try:
            async with asyncio.timeout(self._seconds):
                identity = await self._prove(provider, code, secrets)
            outcome = PROVEN
        except TimeoutError as error:
            outcome = UNAVAILABLE
            raise ProviderUnavailable(provider.name) from error
        except ProviderUnavailable:
            outcome = UNAVAILABLE
            raise
        except Refusal as refusal:
            log.warning(
                "provider_log_in_refused",
                provider=provider.name,
                error=refusal.codes[0],
                reason=reason_of(refusal.__cause__) or None,
            )
            raise
        finally:
            self._outcomes.labels(provider.name, outcome).inc()
        return identity

    async def _metadata_of(self, provider: Provider) -> Metadata:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._metadata[provider.name].get()
        except TimeoutError as error:
            raise ProviderUnavailable(provider.name) from error

    async def _prove(self, provider: Provider, code: str, secrets: Secrets) -> Identity:
        metadata = await self._metadata[provider.name].get()
        tokens = await self._redeem(provider, metadata, code, secrets)
        claims = await self._claims(provider, tokens.get("id_token"), secrets)
        subject = str(claims["sub"])
        told: Mapping[str, Any] = claims
        access_token = tokens.get("access_token")
        if "email" not in claims and "email" in provider.scopes and metadata.userinfo_endpoint:
            if not _is_access_token(access_token):
                raise RefusedByProvider
            told = await self._connections.get(
                provider.name, metadata.userinfo_endpoint, access_token
            )
            if told.get("sub") != subject:  # Core 1.0, 5.3.2
                raise InvalidIdToken
        return Identity(
            provider.issuer, subject, _email(told.get("email")), told.get("email_verified") is True
        )

    async def _redeem(
        self, provider: Provider, metadata: Metadata, code: str, secrets: Secrets
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": provider.redirect_uri,
            "code_verifier": secrets.verifier,
        }
        headers = {}
        if metadata.basic:  # RFC 6749, 2.3.1: both are encoded as in forms
            pair = f"{quote(provider.client_id, '')}:{quote(provider.client_secret, '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
        return await self._connections.post(provider.name, metadata.token_endpoint, form, headers)

    async def _claims(self, provider: Provider, token: Any, secrets: Secrets) -> Mapping[str, Any]:
        """The claims of an ID token; for an unknown key, the keys are fetched once more."""
        alg, kid = header_of(token)
        cached = self._keys[provider.name]
        key = key_for(await cached.get(), alg, kid)
        if key is None:
            key = key_for(await cached.get(newer=True), alg, kid)
        if key is None:
            raise InvalidIdToken
        return verified_claims(provider, token, key, alg, secrets.nonce, time.time())

    def _cached_metadata(self, provider: Provider) -> _Cached[Metadata]:
        async def fetch() -> Metadata:
            url = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
            document = await self._connections.get(provider.name, url)
            try:
                return self._read_metadata(provider, document)
            except ValueError as error:
                raise ProviderUnavailable(provider.name) from error

        return _Cached(provider.name, fetch)

    def _cached_keys(self, provider: Provider) -> "_Cached[tuple[Mapping[str, Any], ...]]":
        async def fetch() -> tuple[Mapping[str, Any], ...]:
            metadata = await self._metadata[provider.name].get()
            keys = keys_of(await self._connections.get(provider.name, metadata.jwks_uri))
            if keys is None:
                raise ProviderUnavailable(provider.name) from ValueError("no key set")
            return keys

        return _Cached(provider.name, fetch)

    def _read_metadata(self, provider: Provider, document: Mapping[str, Any]) -> Metadata:
        """Raises `ValueError` for what this relying party cannot use."""
        if document.get("issuer") != provider.issuer:  # Discovery 1.0, 4.3
            raise ValueError("the metadata names another issuer")
        if "code" not in _texts(document, "response_types_supported", ("code",)):
            raise ValueError("the response type `code` is not supported")
        if "S256" not in _texts(document, "code_challenge_methods_supported", ("S256",)):
            raise ValueError("PKCE with S256 is not supported")
        usual = ("client_secret_basic",)
        methods = _texts(document, "token_endpoint_auth_methods_supported", usual)
        if not {"client_secret_basic", "client_secret_post"} & set(methods):
            raise ValueError("no authentication of clients with a secret is supported")
        userinfo = document.get("userinfo_endpoint")
        return Metadata(
            authorization_endpoint=self._endpoint(document, "authorization_endpoint"),
            token_endpoint=self._endpoint(document, "token_endpoint"),
            jwks_uri=self._endpoint(document, "jwks_uri"),
            userinfo_endpoint=None
            if userinfo is None
            else self._endpoint(document, "userinfo_endpoint"),
            names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
            basic="client_secret_basic" in methods,
        )

    def _endpoint(self, document: Mapping[str, Any], name: str) -> str:
        value = document.get(name)
        if (
            not isinstance(value, str)
            or len(value) > _MAX_ENDPOINT
            or not (value.isascii() and value.isprintable())
            or URL(value).scheme not in self._schemes
            or not URL(value).host
            or "#" in value
        ):
            raise ValueError(f"{name} is no address that may be called")
        return value


def build(core: Core) -> OpenIdProviders:
    """The providers of this installation; raises `SettingsError` for faults in their file."""
    settings = core.settings
    providers = read_providers(
        settings.log_in_providers_file,
        settings.front_end_address,
        plain_http=settings.log_in_plain_http,
    )
    return OpenIdProviders(
        providers,
        ProviderConnections(settings.log_in_allowed_networks, settings.log_in_timeout),
        core.registry,
        plain_http=settings.log_in_plain_http,
        seconds=2 * settings.log_in_timeout,
    )


def _texts(document: Mapping[str, Any], name: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    value = document.get(name, usual)
    return tuple(value) if isinstance(value, list) else usual


def _email(value: Any) -> str | None:
    """An address in our spelling; None for what is no address that we could write to."""
    if not isinstance(value, str) or len(value) > 1024:
        return None
    address = ascii_email(value)
    return None if email_faults(address) else address


def _is_access_token(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= _MAX_ACCESS_TOKEN
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )
