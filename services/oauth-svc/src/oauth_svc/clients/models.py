"""Registered clients, their secrets, and which registrations are refused."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yarl import URL

from oauth_svc.key_sets.models import sound_jwks
from oauth_svc.protocol.client import (
    ADMINISTRATOR,
    AUTHENTICATION_METHODS,
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    GRANT_TYPES,
    MAX_URI,
    NONE,
    PRIVATE_KEY_JWT,
    TOKEN_EXCHANGE,
    Client,
    is_web_uri,
    sound_redirect_uri,
    sound_scope,
)
from shared.errors import Invalid, NotFound
from shared.values.addresses import Network, address_of, may_be_called

OVERLAP = timedelta(hours=24)
"""For how long the previous secret is accepted, too, after a rotation."""

MAX_LIST = 20


class ClientNotFound(NotFound):
    """There is no client with this id."""

    codes = ("admin.oauth_client.doesnt_exist",)


class TooManyClients(Invalid):
    """There are as many clients as there may be."""

    codes = ("admin.oauth_client.too_many",)


class HasDocument(Invalid):
    """The client's metadata document describes it: nobody changes it here."""

    codes = ("admin.oauth_client.has_document",)


class NoSecret(Invalid):
    """The client authenticates without a secret."""

    codes = ("admin.oauth_client.no_secret",)


INVALID_CLIENT = Invalid(
    f"admin.oauth_client.invalid_{name}"
    for name in (
        *("authentication", "redirect_uris", "post_logout_redirect_uris", "grant_types"),
        *("scopes", "resources", "jwks", "jwks_uri", "backchannel_logout_uri"),
        *("first_party", "exchange_resources"),
    )
)
"""What can be wrong with a registration."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes a client: an administrator with their role, or the client itself."""

    uid: str | None
    role: str


THE_CLIENT = Actor(None, "client")
"""Somebody with an initial access token, or with the client's own registration access token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What belongs to a client that has registered itself: digests of its two tokens."""

    initial_token: bytes = field(repr=False)
    access_token: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """A client with what only its registration has."""

    client: Client
    secrets: Sequence[bytes] = field(repr=False)
    """SHA-256 of the secrets that are accepted at present."""
    created_at: datetime
    updated_at: datetime
    registration: Registration | None = None
    document_ends_at: datetime | None = None
    """Until when its metadata document is valid; None for a client without one."""

    def accepts(self, secret: str) -> bool:
        """Whether this is a secret of the client; compares in constant time."""
        digest = digest_of(secret)
        # No `any`: each comparison is made, whichever is right.
        return sum(hmac.compare_digest(digest, each) for each in self.secrets) > 0

    def may_be_managed_with(self, token: str) -> bool:
        """Whether this is the client's registration access token; compares in constant time."""
        mine = None if self.registration is None else self.registration.access_token
        return mine is not None and hmac.compare_digest(digest_of(token), mine)


def new_client_id() -> str:
    """The id of a new client; it is no secret."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """A secret with 256 bits of entropy, so that a plain digest of it can be stored."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """The stored form of a secret, a code, a token or a challenge: its SHA-256.

    The id of an assertion may have surrogates, which JSON can write.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def require_sound(client: Client, *, plain_http: bool, allowed: Collection[Network]) -> None:
    """Raises `Invalid` with every fault of a registration."""
    faults = [
        name
        for name, sound in (
            ("authentication", client.authentication in AUTHENTICATION_METHODS),
            ("redirect_uris", _sound_redirects(client)),
            (
                "post_logout_redirect_uris",
                _sound_uris(client.post_logout_redirect_uris)
                and _may_be_left_for(client, client.post_logout_redirect_uris),
            ),
            ("grant_types", _sound_grants(client)),
            ("scopes", _sound_scopes(client.scopes)),
            ("resources", _sound_resources(client.resources)),
            ("exchange_resources", _sound_resources(client.exchange_resources)),
            ("jwks", _sound_keys(client)),
            ("jwks_uri", _sound_address_of_keys(client, plain_http, allowed)),
            ("backchannel_logout_uri", _sound_logout(client, plain_http, allowed)),
            ("first_party", client.registered_by == ADMINISTRATOR or not client.first_party),
        )
        if not sound
    ]
    if faults:
        raise Invalid(f"admin.oauth_client.invalid_{name}" for name in faults)


def _sound_uris(uris: Sequence[str]) -> bool:
    return len(uris) <= MAX_LIST and all(map(sound_redirect_uri, uris))


def _sound_redirects(client: Client) -> bool:
    needed = AUTHORIZATION_CODE in client.grant_types
    sound = _sound_uris(client.redirect_uris) and _may_be_left_for(client, client.redirect_uris)
    return sound and (bool(client.redirect_uris) or not needed)


def _may_be_left_for(client: Client, uris: Sequence[str]) -> bool:
    """Whether browsers may go there: to an app's own scheme for an administrator's clients only."""
    return client.registered_by == ADMINISTRATOR or all(map(is_web_uri, uris))


def _sound_grants(client: Client) -> bool:
    grants = set(client.grant_types)
    # A machine without a secret could be anybody (RFC 6749, 4.4; RFC 8693, 2.1).
    machine = {CLIENT_CREDENTIALS, TOKEN_EXCHANGE} & grants and client.authentication == NONE
    return bool(grants) and grants <= set(GRANT_TYPES) and not machine


def _sound_scopes(scopes: Sequence[str]) -> bool:
    return 0 < len(scopes) <= MAX_LIST and all(map(sound_scope, scopes))


def _sound_resources(resources: Sequence[str]) -> bool:
    """Absolute URIs without a fragment (RFC 8707, 2)."""
    return len(resources) <= MAX_LIST and all(
        len(each) <= MAX_URI and sound_redirect_uri(each) for each in resources
    )


def _sound_keys(client: Client) -> bool:
    if client.jwks is None:
        return client.authentication != PRIVATE_KEY_JWT or client.jwks_uri is not None
    return client.authentication == PRIVATE_KEY_JWT and sound_jwks(client.jwks)


def _sound_address_of_keys(client: Client, plain_http: bool, allowed: Collection[Network]) -> bool:
    """The keys are given or fetched, never both (RFC 7591, 2)."""
    if client.jwks_uri is None:
        return True
    mine = client.authentication == PRIVATE_KEY_JWT and client.jwks is None
    return mine and _may_call(client.jwks_uri, plain_http, allowed)


def _sound_logout(client: Client, plain_http: bool, allowed: Collection[Network]) -> bool:
    text = client.backchannel_logout_uri
    return text is None or _may_call(text, plain_http, allowed)


def _may_call(text: str, plain_http: bool, allowed: Collection[Network]) -> bool:
    """Whether we call such a URL. A name's addresses are checked when it is called."""
    try:
        url = URL(text)
        port = url.port
    except ValueError:
        return False
    if (
        len(text) > MAX_URI
        or url.scheme not in (("https", "http") if plain_http else ("https",))
        or not url.host
        or not port
        or url.user is not None
        or url.password is not None
        or url.fragment
    ):
        return False
    address = address_of(url.host)
    return address is None or may_be_called(address, allowed)
