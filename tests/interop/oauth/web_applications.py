"""Web applications whose relying parties others wrote, each a server of its own."""

import asyncio
import functools
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from deploy.local.processes import StartError
from tests.interop.programs import Command, files_in, in_go, in_java
from tests.interop.servers import running
from tests.support import programs

HERE = Path(__file__).parent
_JVM_SECONDS = 120
_PROXY = "github.com/oauth2-proxy/oauth2-proxy/v7"
SCOPE = "openid email offline_access"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an application runs, and as which client; `demo` is the page that it protects."""

    folder: Path
    port: int
    issuer: str
    client_id: str
    secret: str
    demo: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Kind:
    """An application. `callback` and `backchannel` are paths, for its registration.

    `log_out` is the link that its users follow. `run` raises StartError where it cannot be had.
    """

    callback: str
    backchannel: str | None
    log_out: Callable[[Place], str]
    run: Callable[[Place], AbstractAsyncContextManager[str]]


@functools.cache
def oauth2_proxy_program() -> Command | str:
    """The command of oauth2-proxy, or why there is none."""
    return in_go("oauth2-proxy", files_in(HERE / "oauth2_proxy"), _PROXY)


@functools.cache
def spring_program() -> Command | str:
    """The command of the application with Spring Security, or why there is none."""
    return in_java("spring-security", files_in(HERE / "spring"), "party.Party")


async def _had(program: Callable[[], Command | str]) -> Command:
    command = await asyncio.to_thread(program)
    if isinstance(command, str):
        raise StartError(command)
    return command


@asynccontextmanager
async def oauth2_proxy(place: Place) -> AsyncIterator[str]:
    """oauth2-proxy in front of the demo, which gets the user in headers."""
    command: list[str | Path] = [
        *await _had(oauth2_proxy_program),
        "--provider=oidc",
        f"--oidc-issuer-url={place.issuer}",
        f"--client-id={place.client_id}",
        f"--client-secret={place.secret}",
        f"--redirect-url={place.url}/oauth2/callback",
        f"--http-address=127.0.0.1:{place.port}",
        f"--upstream={place.demo}",
        f"--whitelist-domain=127.0.0.1:{place.issuer.rpartition(':')[2]}",
        f"--cookie-secret={secrets.token_hex(16)}",
        "--cookie-secure=false",
        "--cookie-refresh=1s",
        "--code-challenge-method=S256",
        f"--scope={SCOPE}",
        "--email-domain=*",
        "--skip-provider-button",
        "--skip-auth-route=^/bye$",
        "--pass-access-token",
    ]
    async with running(command, place.folder, place.port, {}) as url:
        yield url


@asynccontextmanager
async def apache(place: Place) -> AsyncIterator[str]:
    """Apache with mod_auth_openidc in front of the demo."""
    program = await asyncio.to_thread(programs.apache)
    values = {
        "FOLDER": place.folder,
        "PORT": place.port,
        "MODULES": programs.apache_modules(program),
        "ISSUER": place.issuer,
        "CLIENT_ID": place.client_id,
        "CLIENT_SECRET": place.secret,
        "PASSPHRASE": secrets.token_hex(16),
        "DEMO": place.demo,
    }
    text = (HERE / "apache" / "httpd.conf").read_text()
    for name, value in values.items():
        text = text.replace(name, str(value))
    configuration = place.folder / "httpd.conf"
    configuration.write_text(text)
    command: list[str | Path] = [program.file, "-D", "FOREGROUND", "-f", configuration]
    async with running(command, place.folder, place.port, program.env) as url:
        yield url


@asynccontextmanager
async def spring(place: Place) -> AsyncIterator[str]:
    """An application of its own with Spring Security."""
    client = "SPRING_SECURITY_OAUTH2_CLIENT"
    settings = {
        "SERVER_ADDRESS": "127.0.0.1",
        "SERVER_PORT": str(place.port),
        f"{client}_PROVIDER_BARONG_ISSUER_URI": place.issuer,
        f"{client}_REGISTRATION_BARONG_CLIENT_ID": place.client_id,
        f"{client}_REGISTRATION_BARONG_CLIENT_SECRET": place.secret,
        f"{client}_REGISTRATION_BARONG_SCOPE": SCOPE.replace(" ", ","),
    }
    command = await _had(spring_program)
    async with running(command, place.folder, place.port, settings, _JVM_SECONDS) as url:
        yield url


def _by_the_provider(place: Place) -> str:
    """oauth2-proxy forgets its user, and sends them on to the provider."""
    there = {"client_id": place.client_id, "post_logout_redirect_uri": f"{place.url}/bye"}
    after = f"{place.issuer}/oauth/logout?{urlencode(there)}"
    return f"{place.url}/oauth2/sign_out?{urlencode({'rd': after})}"


KINDS: Mapping[str, Kind] = {
    "oauth2-proxy": Kind("/oauth2/callback", None, _by_the_provider, oauth2_proxy),
    "mod_auth_openidc": Kind(
        "/oidc",
        "/oidc?logout=backchannel",
        lambda place: f"{place.url}/oidc?{urlencode({'logout': f'{place.url}/bye'})}",
        apache,
    ),
    "spring-security": Kind(
        "/login/oauth2/code/barong",
        "/logout/connect/back-channel/barong",
        lambda place: f"{place.url}/logout",
        spring,
    ),
}
