"""What each service of the local stack is told through its environment, and nothing more."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from deploy.local.services import Service
from deploy.local.stack_secrets import Secrets

_DISTRIBUTIONS = {
    "identity": "identity-svc",
    "resource": "resource-svc",
    "admin": "admin-svc",
    "gateway": "authz-gateway",
    "mailer": "mailer-svc",
    "webhooks": "webhooks-svc",
    "console": "console-svc",
    "oauth": "oauth-svc",
}
_CALLED = ("identity", "resource", "admin", "oauth", "webhooks")
"""The services that have an internal API for the others."""

_FORWARDED = (*_CALLED, "console")
"""The services to which the gateway forwards calls."""

_ROOT = Path(__file__).parents[2]
_CONFIG = _ROOT / "deploy" / "config"
# What any program needs to find its files and to speak its user's language.
_ORDINARY = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"})
_SETTINGS = ("BARONG_", "JWT_", "OTEL_")
# For us, or for single services only.
_NOT_FOR_ALL = frozenset(
    {"BARONG_GATEWAY_PORT", ports.SETTING, "BARONG_MASTER_KEYS", "BARONG_SUPERADMIN_PASSWORD"}
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything listens; `public` and `internal` are ports by the services' short names."""

    public: Mapping[str, int]
    internal: Mapping[str, int]
    smtp_port: int
    amqp_url: str

    @classmethod
    def choose(cls, gateway_port: int, smtp_port: int, amqp_url: str) -> "Addresses":
        """Find ports for all that may listen anywhere."""
        free = iter(ports.free_ports(len(_FORWARDED) + len(_DISTRIBUTIONS)))
        return cls(
            public={**{name: next(free) for name in _FORWARDED}, "gateway": gateway_port},
            internal={name: next(free) for name in _DISTRIBUTIONS},
            smtp_port=smtp_port,
            amqp_url=amqp_url,
        )

    def public_url(self, name: str) -> str:
        """Return where callers of the service `name` go."""
        return f"http://{ports.LOOPBACK}:{self.public[name]}"

    def internal_url(self, name: str) -> str:
        """Return where the other services, health checks and metrics go."""
        return f"http://{ports.LOOPBACK}:{self.internal[name]}"


def services(addresses: Addresses, secrets: Secrets, dsns: Mapping[str, str]) -> dict[str, Service]:
    """Return the services by their short names, each with its environment."""
    return {
        name: Service(
            name=distribution,
            package=distribution.replace("-", "_"),
            internal_port=addresses.internal[name],
            # The user's settings win over our defaults, but the parts must find each other.
            env={
                "BARONG_ENV": "development",
                "BARONG_HOST": ports.LOOPBACK,
                **_defaults(name, addresses),
                **_from_user(),
                **(_for_all(addresses, secrets) if name != "console" else {}),
                "BARONG_INTERNAL_PORT": str(addresses.internal[name]),
                **_for_one(name, addresses, secrets, dsns),
            },
        )
        for name, distribution in _DISTRIBUTIONS.items()
        if name != "console" or _has_pages()
    }


def _has_pages() -> bool:
    """Whether the user leaves the pages for people on."""
    return os.environ.get("BARONG_CONSOLE", "").lower() not in ("false", "0", "no", "off")


def commit(folder: Path) -> str | None:
    """Return the commit that is checked out in `folder`, or None if it is no clone's top folder."""
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "--show-toplevel", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # no git, no clone, no commit yet
        return None
    top, sha = asked.stdout.splitlines()
    return sha if Path(top) == folder.resolve() else None


def _from_user() -> dict[str, str]:
    return {
        key: value
        for key, value in os.environ.items()
        if key in _ORDINARY or (key.startswith(_SETTINGS) and key not in _NOT_FOR_ALL)
    }


def _defaults(name: str, addresses: Addresses) -> dict[str, str]:
    if name == "mailer":
        return {
            "BARONG_CONFIG_DIR": str(_CONFIG),
            "BARONG_DOMAIN": addresses.public_url("gateway"),
            "BARONG_SENDER_EMAIL": "noreply@barong.io",
        }
    only_here = {}
    if name in (*_CALLED, "gateway"):
        only_here["BARONG_PUBLIC_URL"] = addresses.public_url("gateway")
    if name == "identity":
        only_here["BARONG_DOMAIN"] = addresses.public_url("gateway")
        only_here["BARONG_TRUSTED_DEVICE_DAYS"] = "30"  # off elsewhere, unless it is set
        if sha := commit(_ROOT):
            only_here["BARONG_GIT_SHA"] = sha
    return {
        "BARONG_CONFIG_DIR": str(_CONFIG),
        "BARONG_TRUSTED_PROXIES": "127.0.0.0/8,::1",
        **only_here,
    }


def _for_all(addresses: Addresses, secrets: Secrets) -> dict[str, str]:
    return {
        "AMQP_URL": addresses.amqp_url,
        "BARONG_SERVICE_KEYS": secrets.service_keys,
        **{f"BARONG_{name.upper()}_INTERNAL_URL": addresses.internal_url(name) for name in _CALLED},
    }


def _for_one(
    name: str, addresses: Addresses, secrets: Secrets, dsns: Mapping[str, str]
) -> dict[str, str]:
    if name == "mailer":
        return {
            "DATABASE_URL": dsns[name],
            "BARONG_SMTP_HOST": ports.LOOPBACK,
            "BARONG_SMTP_PORT": str(addresses.smtp_port),
        }
    port = {"BARONG_PORT": str(addresses.public[name])}
    if name == "gateway":
        return port | {
            f"BARONG_{other.upper()}_URL": addresses.public_url(other) for other in _FORWARDED
        }
    if name == "console":
        return port | {"BARONG_GATEWAY_URL": addresses.public_url("gateway")}
    # admin keeps nothing that has to be encrypted.
    keys = {} if name == "admin" else {"BARONG_MASTER_KEYS": secrets.master_keys}
    return port | {"DATABASE_URL": dsns[name]} | keys
