"""The settings of authz-gateway."""

from dataclasses import dataclass
from pathlib import Path

from marshmallow import fields

from shared.settings import Parsed, ServiceSettings, port, positive, setting, url
from shared.web.client_address import Network, networks


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings(ServiceSettings):
    """What the gateway is told."""

    port: int = setting("BARONG_PORT", port(), "Port that clients reach.", 8080)
    trusted_proxies: tuple[Network, ...] = setting(
        "BARONG_TRUSTED_PROXIES",
        Parsed(networks),
        "Networks (CIDR, comma separated) whose X-Forwarded- headers are believed.",
        (),
    )
    config_dir: str = setting(
        "BARONG_CONFIG_DIR", fields.String(), "Folder of the configuration files.", "deploy/config"
    )
    routes_file: str = setting(
        "BARONG_ROUTES_FILE",
        fields.String(),
        "The routes file; `routes.yaml` of the configuration folder when not set.",
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
        "Whether a session ends when another User-Agent uses it.",
        default=True,
    )
    bind_network: bool = setting(
        "BARONG_SESSION_BIND_NETWORK",
        fields.Boolean(),
        "Whether a session ends when another network (IPv4 /16, IPv6 /96) uses it.",
        default=True,
    )
    apikey_nonce_lifetime: int = setting(
        "BARONG_APIKEY_NONCE_LIFETIME",
        positive(3_600_000),
        "How far the nonce of a signed call may be from this moment, milliseconds.",
        5000,
    )
    maxminddb_path: str = setting(
        "BARONG_MAXMINDDB_PATH",
        fields.String(),
        "MaxMind file of countries or cities; without one, restrictions of countries and "
        "continents match nobody.",
        "",
    )
    geoip_lang: str = setting(
        "BARONG_GEOIP_LANG",
        fields.String(),
        "Language of the names of countries and continents in that file.",
        "en",
    )
    max_body_bytes: int = setting(
        "BARONG_MAX_BODY_BYTES",
        positive(),
        "Largest body of a request, bytes: three uploaded files of 10 MB and a form.",
        32 * 1024 * 1024,
    )
    upstream_timeout: int = setting(
        "BARONG_UPSTREAM_TIMEOUT",
        positive(3600),
        "Longest silence of an upstream, seconds, where its route gives no other.",
        30,
    )

    @property
    def routes_path(self) -> Path:
        """Where the routes file is."""
        return Path(self.routes_file or Path(self.config_dir, "routes.yaml"))
