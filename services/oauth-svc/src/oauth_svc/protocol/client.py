"""A client as the protocol sees it, and which registrations are sound."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

NONE = "none"
SECRET_BASIC = "client_secret_basic"  # noqa: S105 - the name of a method
SECRET_POST = "client_secret_post"  # noqa: S105 - the name of a method
PRIVATE_KEY_JWT = "private_key_jwt"
AUTHENTICATION_METHODS = (SECRET_BASIC, SECRET_POST, PRIVATE_KEY_JWT, NONE)

AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant
CLIENT_CREDENTIALS = "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - of a grant
GRANT_TYPES = (
    AUTHORIZATION_CODE,
    REFRESH_TOKEN,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    TOKEN_EXCHANGE,
)

ADMINISTRATOR = "administrator"
INITIAL_ACCESS_TOKEN = "initial_access_token"  # noqa: S105 - who registered a client
METADATA_DOCUMENT = "metadata_document"
REGISTERED_BY = (ADMINISTRATOR, INITIAL_ACCESS_TOKEN, METADATA_DOCUMENT)

MAX_URI = 2048

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+", re.ASCII)
_URI = re.compile(r"[!#-;=?-Z\[\]_a-z~%]+", re.ASCII)
"""What a URI may consist of (RFC 3986, 2), without the backslash that browsers take for a slash."""
_SCOPE = re.compile(r"[!#-\[\]-~]{1,100}", re.ASCII)
_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}", re.ASCII)
_LOOPBACK_PORT = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):[0-9]{1,5}(?=/|\?|$)", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9a-f:.]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. `resources` are further audiences that it may ask tokens for."""

    client_id: str
    name: str
    authentication: str
    redirect_uris: Sequence[str]
    post_logout_redirect_uris: Sequence[str]
    grant_types: Sequence[str]
    scopes: Sequence[str]
    resources: Sequence[str]
    first_party: bool
    jwks: Mapping[str, Any] | None
    backchannel_logout_uri: str | None
    access_token_seconds: int
    refresh_token_seconds: int
    dpop_bound_access_tokens: bool = False
    """Whether each token request needs a proof (RFC 9449, 5.2)."""
    exchange_resources: Sequence[str] = ()
    """The audiences for which it may exchange tokens that it was sent (RFC 8693)."""
    registered_by: str = ADMINISTRATOR
    """An administrator, whoever has an initial access token, or a metadata document."""
    jwks_uri: str | None = None
    """Where its public keys are, if `jwks` has them not (RFC 7591, 2)."""

    @property
    def host(self) -> str | None:
        """The host that vouches for the client by its metadata document; None for other clients."""
        is_document = self.registered_by == METADATA_DOCUMENT
        return urlsplit(self.client_id).hostname if is_document else None

    @property
    def reference(self) -> str:
        """What stands for the client in paths of the API: its id, or a digest of it if it is a URL.

        A gateway refuses paths with an encoded slash.
        """
        return self.client_id if self.host is None else document_key(self.client_id)

    @property
    def confidential(self) -> bool:
        """Whether the client can keep a secret."""
        return self.authentication != NONE

    def redirects_to(self, uri: str) -> bool:
        """Whether `uri` is one of the client's redirect URIs, character for character.

        Of a loopback address, the port may be any (RFC 8252, 7.3).
        """
        return any(uri == each or _same_but_port(uri, each) for each in self.redirect_uris)


def _same_but_port(given: str, registered: str) -> bool:
    if not _is_loopback(registered) or not _is_loopback(given):
        return False
    return _without_port(given) == _without_port(registered)


def _without_port(uri: str) -> str:
    """A loopback URI without the port of its authority; other colons stay."""
    found = _LOOPBACK_PORT.match(uri)
    return uri if found is None else found[1] + uri[found.end() :]


def _is_loopback(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "http"
        and parts.hostname in _LOOPBACK
        and parts.username is None
        and (port is None or port > 0)
        and _URI.fullmatch(uri) is not None
    )


def sound_redirect_uri(uri: str) -> bool:
    """Whether a client may register this: https, http on this machine, or an app's own scheme.

    An app's scheme has a dot, so that `javascript:` and `data:` are none (RFC 8252, 7.1). A host is
    a name or an address, because pages name it in their Content-Security-Policy.
    """
    if len(uri) > MAX_URI or not _URI.fullmatch(uri) or "#" in uri:
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    if parts.scheme == "https":
        return _HOST.fullmatch(parts.hostname or "") is not None
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK or parts.hostname == "localhost"
    return _PRIVATE_SCHEME.fullmatch(parts.scheme) is not None and not parts.netloc


def is_web_uri(uri: str) -> bool:
    """Whether a sound redirect URI is of https, or of http on this machine.

    Any app on a phone can claim an app's own scheme, so that only an administrator registers one
    (RFC 8252, 8.4).
    """
    return uri.startswith(("https:", "http:"))


def sound_scope(scope: str) -> bool:
    """Whether a word can be a scope (RFC 6749, 3.3)."""
    return _SCOPE.fullmatch(scope) is not None


def document_key(url: str) -> str:
    """What stands for a client with a metadata document in paths: SHA-256 of its URL, in hex."""
    return hashlib.sha256(url.encode()).hexdigest()


def is_client_id(text: str) -> bool:
    """Whether this can be the id of a client that somebody registered."""
    return _CLIENT_ID.fullmatch(text) is not None
