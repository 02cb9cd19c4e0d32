"""The whole system in one process: all services on free ports, as the tests use it."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from admin_svc.app import create_app as create_admin
from admin_svc.settings import AdminSettings
from authz_gateway.app import create_app as create_gateway
from authz_gateway.settings import GatewaySettings
from console_svc.app import create_app as create_console
from console_svc.settings import ConsoleSettings
from deploy.local import ports
from identity_svc.app import create_app as create_identity
from identity_svc.settings import IdentitySettings
from mailer_svc.app import create_app as create_mailer
from mailer_svc.settings import MailerSettings
from oauth_svc.app import create_app as create_oauth
from oauth_svc.settings import OAuthSettings
from resource_svc.app import create_app as create_resource
from resource_svc.settings import ResourceSettings
from shared.process import Service, running
from shared.settings import load_settings
from tests.support.database import TestDatabase
from tests.support.waiting import until
from webhooks_svc.app import create_app as create_webhooks
from webhooks_svc.settings import WebhooksSettings

ROOT = Path(__file__).parents[2]
PASSWORD = "Tr4vel-by-night-train"
SUPERADMIN = "admin@barong.io"
NAMES = ("identity", "resource", "admin", "gateway", "mailer", "webhooks", "oauth", "console")
INITIAL_ACCESS_TOKEN = "initial-access-token-of-all-tests"
KEY = "test:" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class Installation:
    """Where everything of one system listens, and what its services are told."""

    public: Mapping[str, int]
    internal: Mapping[str, int]
    environments: Mapping[str, Mapping[str, str]]
    mail: Path

    @property
    def gateway_url(self) -> str:
        return self.public_url("gateway")

    def public_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.public[name]}"

    def beside(self) -> "Installation":
        """The same system's second instances, on ports of their own; they call each other."""
        free = iter(ports.free_ports(2 * len(NAMES)))
        public = {name: next(free) for name in NAMES}
        internal = {name: next(free) for name in NAMES}
        environments = {
            name: {**environment, **_places(name, public, internal)}
            for name, environment in self.environments.items()
        }
        return Installation(public, internal, environments, self.mail)

    def internal_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.internal[name]}"

    def service(self, name: str, **changes: str) -> Service:
        """One service, wired; `changes` to its environment make it another instance."""
        environment = {**self.environments[name], **changes}
        match name:
            case "identity":
                return create_identity(load_settings(IdentitySettings, environment))
            case "resource":
                return create_resource(load_settings(ResourceSettings, environment))
            case "admin":
                return create_admin(load_settings(AdminSettings, environment))
            case "gateway":
                return create_gateway(load_settings(GatewaySettings, environment), environment)
            case "oauth":
                return create_oauth(load_settings(OAuthSettings, environment))
            case "webhooks":
                return create_webhooks(load_settings(WebhooksSettings, environment))
            case "console":
                return create_console(load_settings(ConsoleSettings, environment))
            case _:
                return create_mailer(load_settings(MailerSettings, environment))


def installation(
    database: TestDatabase, amqp_url: str, mail: Path, smtp_port: int, **settings: str
) -> Installation:
    """A system on this database and broker; `settings` go to every service."""
    free = iter(ports.free_ports(2 * len(NAMES)))
    public = {name: next(free) for name in NAMES}
    internal = {name: next(free) for name in NAMES}

    def environment(name: str) -> dict[str, str]:
        return {
            "AMQP_URL": amqp_url,
            "DATABASE_URL": database.dsns.get(name, ""),
            "BARONG_CONFIG_DIR": str(ROOT / "deploy" / "config"),
            "BARONG_MASTER_KEYS": KEY,
            "BARONG_SERVICE_KEYS": KEY,
            **_places(name, public, internal),
            "BARONG_TRUSTED_PROXIES": "127.0.0.0/8",
            "BARONG_SMTP_HOST": "127.0.0.1",
            "BARONG_SMTP_PORT": str(smtp_port),
            "BARONG_SMTP_TLS": "none",
            "BARONG_SENDER_EMAIL": "noreply@barong.io",
            "BARONG_STORAGE_FOLDER": str(mail.with_name("uploads")),
            "BARONG_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "BARONG_WEBHOOK_PLAIN_HTTP": "true",
            "BARONG_OAUTH_ALLOWED_NETWORKS": "127.0.0.0/8",
            "BARONG_OAUTH_PLAIN_HTTP": "true",
            "BARONG_OAUTH_DEVICE_INTERVAL": "1",
            "BARONG_OAUTH_METADATA_DOCUMENTS": "true",
            "BARONG_OAUTH_REGISTRATION_TOKENS": INITIAL_ACCESS_TOKEN,
            "BARONG_THROTTLING": "false",  # all tests come from one address
            "BARONG_MAIL_LOG_IN_MINUTES": "10",
            **{f"BARONG_{n.upper()}_URL": f"http://127.0.0.1:{public[n]}" for n in NAMES},
            **{
                f"BARONG_{n.upper()}_INTERNAL_URL": f"http://127.0.0.1:{internal[n]}" for n in NAMES
            },
            **(
                {"BARONG_PUBLIC_URL": f"http://127.0.0.1:{public['gateway']}"}
                if name in ("oauth", "gateway")
                else {}
            ),
            **settings,
        }

    return Installation(public, internal, {name: environment(name) for name in NAMES}, mail)


def _places(name: str, public: Mapping[str, int], internal: Mapping[str, int]) -> dict[str, str]:
    """Where a service listens, and where it finds the others."""
    return {
        "BARONG_PORT": str(public[name]),
        "BARONG_INTERNAL_PORT": str(internal[name]),
        **{f"BARONG_{n.upper()}_URL": f"http://127.0.0.1:{public[n]}" for n in NAMES},
        **{f"BARONG_{n.upper()}_INTERNAL_URL": f"http://127.0.0.1:{internal[n]}" for n in NAMES},
    }


@asynccontextmanager
async def started(system: Installation, *names: str) -> AsyncIterator[None]:
    """Runs these services, all of them by default, and waits until they are ready."""
    async with AsyncExitStack() as stack:
        for name in names or NAMES:
            await stack.enter_async_context(running(system.service(name)))
        await asyncio.gather(*(ready(system, name) for name in names or NAMES))
        yield


async def ready(
    system: Installation, name: str, seconds: float = 60, *, without: Collection[str] = ()
) -> None:
    """Returns when the service says that it is ready, and that all its parts are up.

    The parts `without` which it has to do are not waited for.
    """
    url = f"{system.internal_url(name)}/health/ready"
    async with aiohttp.ClientSession() as http:
        await until(lambda: _answers(http, url, without), seconds)


async def _answers(http: aiohttp.ClientSession, url: str, without: Collection[str]) -> bool:
    try:
        async with http.get(url) as response:
            if response.status != 200:
                return False
            parts = (await response.json())["parts"]
            # Watched ones, too.
            return all(state == "up" for part, state in parts.items() if part not in without)
    except aiohttp.ClientError:
        return False
