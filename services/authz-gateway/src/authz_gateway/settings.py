"""The settings of authz-gateway."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from marshmallow import fields, validate

from authz_gateway.http.cors import ANY, Cors, origins
from authz_gateway.routing.route_table import rate
from shared.contracts.api_keys import MAX_NONCE_LIFETIME
from shared.settings import Parsed, ServiceSettings, port, positive, public_url, setting, url
from shared.values.addresses import Network, networks


def _written_rate(text: str) -> str:
    """A rate as it is written; raises ValueError."""
    rate(text)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings(ServiceSettings):
    """What the gateway is told."""

    port: int = setting("BARONG_PORT", port(), "Port that clients reach.", 8080)
    trusted_proxies: tuple[Network, ...] = setting(
        "BARONG_TRUSTED_PROXIES",
        Parsed(networks),
        "Networks (CIDR, comma separated) of proxies whose X-Forwarded- headers are believed.",
        (),
    )
    config_dir: str = setting(
        "BARONG_CONFIG_DIR", fields.String(), "Folder of the configuration files.", "deploy/config"
    )
    routes_file: str = setting(
        "BARONG_ROUTES_FILE",
        fields.String(),
        "The routes file. If blank: `routes.yaml` of the configuration folder.",
        "",
    )
    identity_url: str = setting(
        "BARONG_IDENTITY_URL", url(), "identity-svc's public API.", "http://identity-svc:8080"
    )
    resource_url: str = setting(
        "BARONG_RESOURCE_URL", url(), "resource-svc's public API.", "http://resource-svc:8080"
    )
    admin_url: str = setting(
        "BARONG_ADMIN_URL", url(), "admin-svc's public API.", "http://admin-svc:8080"
    )
    webhooks_url: str = setting(
        "BARONG_WEBHOOKS_URL", url(), "webhooks-svc's public API.", "http://webhooks-svc:8080"
    )
    console_url: str = setting(
        "BARONG_CONSOLE_URL", url(), "console-svc's pages.", "http://console-svc:8080"
    )
    console: bool = setting(
        "BARONG_CONSOLE",
        fields.Boolean(),
        "Whether the pages for people are served: `/account`, `/accounts` and `/console`. "
        "Set it to the same value at the gateway, console-svc and oauth-svc.",
        default=True,
    )
    oauth_url: str = setting(
        "BARONG_OAUTH_URL", url(), "oauth-svc's public API.", "http://oauth-svc:8080"
    )
    public_url: str = public_url()
    session_name: str = setting(
        "BARONG_SESSION_NAME", fields.String(), "Name of the session cookie.", "_barong_session"
    )
    csrf_protection: bool = setting(
        "BARONG_CSRF_PROTECTION",
        fields.Boolean(),
        "Whether changes made with a cookie need a CSRF token.",
        default=True,
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
    dpop_nonce: bool = setting(
        "BARONG_DPOP_NONCE",
        fields.Boolean(),
        "Whether the proofs of DPoP (RFC 9449) that come with calls need a nonce of the gateway. "
        "It ends proofs that were made in advance, and costs clients a call every five minutes.",
        False,
    )
    apikey_nonce_lifetime: int = setting(
        "BARONG_APIKEY_NONCE_LIFETIME",
        positive(MAX_NONCE_LIFETIME),
        "How far the timestamp of a signed call (the nonce of version 1, or "
        "`created`) may be from the gateway's clock, in milliseconds.",
        5000,
    )
    apikey_max_body_bytes: int = setting(
        "BARONG_APIKEY_MAX_BODY_BYTES",
        positive(),
        "Largest body of a signed call, in bytes. The gateway keeps it in memory "
        "until it has verified it.",
        1024 * 1024,
    )
    cors_origins: frozenset[str] = setting(
        "BARONG_API_CORS_ORIGINS",
        Parsed(origins),
        "Origins whose pages may call, comma separated. `*` means all, without "
        "credentials. In `https://*.example.com` the asterisk is one label.",
        frozenset({ANY}),
    )
    cors_max_age: int = setting(
        "BARONG_API_CORS_MAX_AGE",
        fields.Integer(validate=validate.Range(0, 86_400)),
        "How long browsers cache the answer to a preflight, in seconds.",
        3600,
    )
    cors_credentials: bool = setting(
        "BARONG_API_CORS_ALLOW_CREDENTIALS",
        fields.Boolean(),
        "Whether pages of other origins may send the session cookie.",
        default=False,
    )
    security_headers: bool = setting(
        "BARONG_SECURITY_HEADERS",
        fields.Boolean(),
        "Whether the gateway adds X-Content-Type-Options, X-Frame-Options, "
        "Referrer-Policy and, in production, Strict-Transport-Security to answers "
        "that do not have them.",
        default=True,
    )
    hsts_seconds: int = setting(
        "BARONG_HSTS_SECONDS",
        fields.Integer(validate=validate.Range(0, 10**9)),
        "How long browsers must use https, in production, in seconds. 0: not at all.",
        31_536_000,
    )
    audited_rate: str = setting(
        "BARONG_AUDITED_RATE",
        Parsed(_written_rate),
        "How often one user may make recorded calls at each gateway: refused ones on all "
        "routes, and audited ones on routes without a rate: 10/s, 300/m or 1000/h.",
        "300/m",
    )
    throttling: bool = setting(
        "BARONG_THROTTLING",
        fields.Boolean(),
        "Whether the rates of the routes file are limits. `false` is for load tests.",
        True,
    )
    ext_authz_port: int | None = setting(
        "BARONG_EXT_AUTHZ_PORT",
        fields.Integer(validate=validate.Range(1, 65535)),
        "Port for Envoy's external authorization over gRPC (docs/operators/ext-authz.md). "
        "Without it there is none.",
        None,
        shown="none",
    )
    rate_limit_url: str = setting(
        "BARONG_RATE_LIMIT_URL",
        fields.Url(schemes={"redis", "rediss"}, require_tld=False),
        "Address of a Valkey or Redis through which all gateways share their rates, as in "
        "redis://:password@valkey:6379/0 (docs/operators/limits.md). Without it each gateway "
        "counts alone.",
        "",
    )
    maxminddb_path: str = setting(
        "BARONG_MAXMINDDB_PATH",
        fields.String(),
        "MaxMind file of countries or cities. Without one, restrictions of countries "
        "and continents match nobody.",
        "",
    )
    geoip_lang: str = setting(
        "BARONG_GEOIP_LANG",
        fields.String(),
        "Language of the names of countries and continents in the MaxMind file.",
        "en",
    )
    max_body_bytes: int = setting(
        "BARONG_MAX_BODY_BYTES",
        positive(),
        "Largest body of a request, in bytes: three uploaded files of 10 MB and a form.",
        32 * 1024 * 1024,
    )
    max_connections: int = setting(
        "BARONG_MAX_CONNECTIONS",
        positive(1_000_000),
        "Connections of clients at the same time. The next one gets 503.",
        20_000,
    )
    connections_per_address: int = setting(
        "BARONG_CONNECTIONS_PER_ADDRESS",
        positive(1_000_000),
        "How many connections one address (IPv6: one /64) may have. The next one gets "
        "429. Trusted proxies may have all.",
        1000,
    )
    max_buffered_bytes: int = setting(
        "BARONG_MAX_BUFFERED_BYTES",
        positive(),
        "How many bytes of requests and answers may wait in memory for slow clients, "
        "all together. Beyond that, the gateway cuts the connections that have kept "
        "something waiting for longest. Up to 24 KB of a connection do not count.",
        256 * 1024 * 1024,
    )
    header_timeout: int = setting(
        "BARONG_HEADER_TIMEOUT",
        positive(3600),
        "Longest time from the first byte of a request to the end of its headers, in seconds.",
        10,
    )
    idle_timeout: int = setting(
        "BARONG_IDLE_TIMEOUT",
        positive(3600),
        "How long a connection waits for its next request, in seconds.",
        75,
    )
    stall_timeout: int = setting(
        "BARONG_STALL_TIMEOUT",
        positive(3600),
        "How long a client may send nothing of a body, or take nothing of an answer, in seconds.",
        60,
    )
    body_timeout: int = setting(
        "BARONG_BODY_TIMEOUT",
        positive(86_400),
        "Longest time for the body of a request, in seconds. Time in which the "
        "upstream takes nothing does not count. Afterwards the client gets 408.",
        600,
    )
    body_rate: int = setting(
        "BARONG_BODY_RATE",
        positive(10**9),
        "Lowest rate at which a client may send a body, in bytes a second, after the "
        "first fifteen seconds. A slower client gets 408.",
        1000,
    )
    websocket_timeout: int = setting(
        "BARONG_WEBSOCKET_TIMEOUT",
        positive(86_400),
        "How long a WebSocket may be silent in both directions, in seconds.",
        300,
    )
    max_websockets: int = setting(
        "BARONG_MAX_WEBSOCKETS",
        positive(1_000_000),
        "WebSockets at the same time. The next one gets 503.",
        10_000,
    )
    websockets_per_client: int = setting(
        "BARONG_WEBSOCKETS_PER_CLIENT",
        positive(1_000_000),
        "How many WebSockets one client may have: a user or, without a known user, an "
        "address (IPv6: a /64). The next one gets 429.",
        100,
    )
    upstream_connections: int = setting(
        "BARONG_UPSTREAM_CONNECTIONS",
        positive(100_000),
        "Connections to one upstream at the same time, WebSockets not counted. Calls "
        "wait five seconds for one.",
        1000,
    )
    upstream_client_share: int = setting(
        "BARONG_UPSTREAM_CLIENT_SHARE",
        positive(100),
        "Percent of these connections that one client may use, at least one. A client "
        "is a user or, without a known user, an address (IPv6: a /64). Further calls "
        "wait five seconds for one of the client's own calls to end, as many as its "
        "share at most. Then they get 429.",
        10,
    )
    upstream_timeout: int = setting(
        "BARONG_UPSTREAM_TIMEOUT",
        positive(3600),
        "Longest silence of an upstream, in seconds, if its route says nothing else.",
        30,
    )

    def conflicts(self) -> Iterable[str]:
        yield from super(GatewaySettings, self).conflicts()
        if self.cors_credentials and ANY in self.cors_origins:
            yield (
                "BARONG_API_CORS_ALLOW_CREDENTIALS: name the origins in BARONG_API_CORS_ORIGINS; "
                "with `*` every page on earth could act as its visitor."
            )

    @property
    def issuer(self) -> str:
        """`iss` of access tokens of OAuth clients."""
        return self.public_url.rstrip("/")

    @property
    def cors(self) -> Cors:
        """Who may call from other origins."""
        return Cors(self.cors_origins, self.cors_credentials, self.cors_max_age)

    @property
    def routes_path(self) -> Path:
        """Where the routes file is."""
        return Path(self.routes_file or Path(self.config_dir, "routes.yaml"))
