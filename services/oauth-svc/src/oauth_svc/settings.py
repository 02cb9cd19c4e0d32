"""Every setting of oauth-svc."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from marshmallow import fields, validate

from oauth_svc.protocol.claims import STANDARD_SCOPES
from oauth_svc.protocol.client import sound_redirect_uri, sound_scope
from shared.settings import Parsed, PublicServiceSettings, positive, setting
from shared.values.addresses import Network, networks

_SHORTEST_TOKEN = 32
_MAX_LIST = 20


def _words(text: str, separator: str) -> list[str]:
    return [word.strip() for word in text.split(separator) if word.strip()]


def _digests(text: str) -> tuple[bytes, ...]:
    """The SHA-256 of each token, so that the tokens themselves are not in memory."""
    tokens = _words(text, ",")
    if len(tokens) > _MAX_LIST or not all(len(each) >= _SHORTEST_TOKEN for each in tokens):
        raise ValueError(f"Tokens need {_SHORTEST_TOKEN} characters, and {_MAX_LIST} are enough.")
    return tuple(hashlib.sha256(each.encode()).digest() for each in tokens)


def _scopes(text: str) -> tuple[str, ...]:
    scopes = _words(text, " ")
    if not 0 < len(scopes) <= _MAX_LIST or not all(map(sound_scope, scopes)):
        raise ValueError(f"Not a list of 1 to {_MAX_LIST} scopes.")
    return tuple(scopes)


def _hosts(text: str) -> tuple[str, ...]:
    hosts = _words(text.lower(), ",")
    if not all(urlsplit(f"https://{host}").hostname == host for host in hosts):
        raise ValueError("Not a list of host names.")
    return tuple(hosts)


def _resources(text: str) -> tuple[str, ...]:
    resources = _words(text, ",")
    if len(resources) > _MAX_LIST or not all(map(sound_redirect_uri, resources)):
        raise ValueError(f"Not a list of at most {_MAX_LIST} URIs.")
    return tuple(resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthSettings(PublicServiceSettings):
    """The settings of oauth-svc. The issuer is `BARONG_PUBLIC_URL`."""

    session_name: str = setting(
        "BARONG_SESSION_NAME",
        fields.String(validate=validate.Regexp("[A-Za-z0-9_-]+$")),
        "Name of the session cookie.",
        "_barong_session",
    )
    bind_user_agent: bool = setting(
        "BARONG_SESSION_BIND_USER_AGENT",
        fields.Boolean(),
        "Whether a session ends when another User-Agent uses it. Version numbers are ignored.",
        default=True,
    )
    bind_network: bool = setting(
        "BARONG_SESSION_BIND_NETWORK",
        fields.Boolean(),
        "Whether a session ends when another network (IPv4 /16, IPv6 /64) uses it. "
        "The first network of the other address family is taken in.",
        default=True,
    )
    console: bool = setting(
        "BARONG_CONSOLE",
        fields.Boolean(),
        "Whether the pages for people are served: `/account`, `/accounts` and `/console`. "
        "Set it to the same value at the gateway, console-svc and oauth-svc.",
        default=True,
    )
    login_url: str = setting(
        "BARONG_OAUTH_LOGIN_URL",
        fields.Url(schemes={"http", "https"}, require_tld=False),
        "The page on which users log in for a client or a device; it gets `login_challenge` or "
        "`return_to`.",
        "",
        shown="console-svc's page, `/account/log-in`; without console-svc the plain page "
        "`/oauth/login`",
    )
    consent_url: str = setting(
        "BARONG_OAUTH_CONSENT_URL",
        fields.Url(schemes={"http", "https"}, require_tld=False),
        "The page on which users consent; it gets `consent_challenge`.",
        "",
        shown="our own page, `/oauth/consent`",
    )
    device_url: str = setting(
        "BARONG_OAUTH_DEVICE_URL",
        fields.Url(schemes={"http", "https"}, require_tld=False),
        "The page on which users enter the code that a device shows; devices show its address. It "
        "may get `user_code`.",
        "",
        shown="our own page, `/oauth/device`",
    )
    pages_folder: str = setting(
        "BARONG_OAUTH_PAGES_DIR",
        fields.String(),
        "A folder with templates and texts that take the place of ours of the same name.",
        "",
    )
    challenge_seconds: int = setting(
        "BARONG_OAUTH_CHALLENGE_SECONDS",
        positive(86_400),
        "How long a user may take to log in and to consent, in seconds.",
        900,
    )
    challenge_limit: int = setting(
        "BARONG_OAUTH_CHALLENGES",
        positive(100_000),
        "How many log-ins and consents may wait for each client. The oldest give way.",
        5000,
    )
    device_code_seconds: int = setting(
        "BARONG_OAUTH_DEVICE_CODE_SECONDS",
        positive(1800),
        "How long a user may take to enter the code that a device shows, in seconds.",
        600,
    )
    device_interval: int = setting(
        "BARONG_OAUTH_DEVICE_INTERVAL",
        positive(60),
        "How often a device may ask whether its user has answered: every so many seconds.",
        5,
    )
    device_code_limit: int = setting(
        "BARONG_OAUTH_DEVICE_CODES",
        positive(100_000),
        "How many requests of devices are kept for each client. The oldest give way.",
        5000,
    )
    access_token_seconds: int = setting(
        "BARONG_OAUTH_ACCESS_TOKEN_SECONDS",
        positive(86_400),
        "Life of access tokens and ID tokens, in seconds, of clients that have no other.",
        300,
    )
    dpop_nonce: bool = setting(
        "BARONG_OAUTH_DPOP_NONCE",
        fields.Boolean(),
        "Whether the proofs of DPoP (RFC 9449) that come to the provider need a nonce of it. It "
        "ends proofs that were made in advance, and costs clients a request every five minutes.",
        default=True,
    )
    refresh_token_seconds: int = setting(
        "BARONG_OAUTH_REFRESH_TOKEN_SECONDS",
        positive(10**8),
        "Seconds after which an unused refresh token ends, of clients that have no other.",
        2_592_000,
    )
    grant_seconds: int = setting(
        "BARONG_OAUTH_GRANT_SECONDS",
        positive(10**9),
        "Seconds after which a user has to log in again for a client, however often its refresh "
        "token is used.",
        31_536_000,
    )
    refresh_grace: int = setting(
        "BARONG_OAUTH_REFRESH_GRACE",
        fields.Integer(validate=validate.Range(0, 60)),
        "For how many seconds a used refresh token may be used again, because the answer to the "
        "first use was lost. Later, its use ends all tokens of the grant.",
        10,
    )
    client_limit: int = setting(
        "BARONG_OAUTH_CLIENTS", positive(100_000), "How many clients there may be.", 1000
    )
    registration_tokens: tuple[bytes, ...] = setting(
        "BARONG_OAUTH_REGISTRATION_TOKENS",
        Parsed(_digests),
        "Initial access tokens with which clients may register themselves (RFC 7591), comma "
        "separated, of 32 characters at least. Without one, only administrators register clients.",
        (),
        shown="none",
    )
    registration_limit: int = setting(
        "BARONG_OAUTH_REGISTRATIONS",
        positive(100_000),
        "How many clients each initial access token may register.",
        100,
    )
    self_registered_scopes: tuple[str, ...] = setting(
        "BARONG_OAUTH_SELF_REGISTERED_SCOPES",
        Parsed(_scopes),
        "What clients may ask for that no administrator has registered; blanks separate scopes.",
        STANDARD_SCOPES,
        shown=f"`{' '.join(STANDARD_SCOPES)}`",
    )
    self_registered_resources: tuple[str, ...] = setting(
        "BARONG_OAUTH_SELF_REGISTERED_RESOURCES",
        Parsed(_resources),
        "The audiences for which such clients may ask tokens (RFC 8707), comma separated.",
        (),
    )
    metadata_documents: bool = setting(
        "BARONG_OAUTH_METADATA_DOCUMENTS",
        fields.Boolean(),
        "Whether a client's id may be the https URL of its metadata document, which is fetched.",
        False,
    )
    metadata_document_hosts: tuple[str, ...] = setting(
        "BARONG_OAUTH_METADATA_DOCUMENT_HOSTS",
        Parsed(_hosts),
        "The hosts whose metadata documents count, comma separated. Blank: all public hosts.",
        (),
    )
    metadata_document_limit: int = setting(
        "BARONG_OAUTH_METADATA_DOCUMENT_CLIENTS",
        positive(1_000_000),
        "How many clients with metadata documents are stored. The oldest without tokens give way.",
        10_000,
    )
    allowed_networks: tuple[Network, ...] = setting(
        "BARONG_OAUTH_ALLOWED_NETWORKS",
        Parsed(networks),
        "Networks (CIDR, comma separated) to which back-channel log-outs may be sent, and from "
        "which metadata documents and key sets may be fetched, although they are not public: "
        "private, loopback and link-local addresses are refused otherwise.",
        (),
    )
    plain_http: bool = setting(
        "BARONG_OAUTH_PLAIN_HTTP",
        fields.Boolean(),
        "Whether back-channel log-outs and key sets may have http URLs, and metadata documents "
        "http URLs of this machine. Otherwise they need https.",
        False,
    )

    @property
    def issuer(self) -> str:
        """`iss` of ID tokens and access tokens: the gateway's address."""
        return self.public_url.rstrip("/")

    @property
    def login_page(self) -> str:
        """The page on which users log in; blank for our own plain ones."""
        if self.login_url or not self.console:
            return self.login_url
        return f"{self.issuer}/account/log-in"

    def conflicts(self) -> Iterable[str]:
        """In production, the issuer has https (OpenID Connect Discovery 1.0, 3)."""
        if self.production and not self.public_url.startswith("https://"):
            yield "BARONG_PUBLIC_URL: the issuer of an OAuth server has https in production."
