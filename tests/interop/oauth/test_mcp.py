"""The OAuth client of the Model Context Protocol's SDK reaches a route of the gateway.

It knows only the route's address. It finds the provider (RFC 9728), becomes a client there, by
registration (RFC 7591) or by its metadata document, and logs a user in for that route (RFC 8707).
"""

from collections.abc import AsyncIterator

import httpx2
import pytest
from aiohttp import web
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from tests.support.aiohttp_app import serving
from tests.support.certificates import certificate
from tests.support.client import Client
from tests.support.document_host import DocumentHost, document_host
from tests.support.own_service import provider_of
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import INITIAL_ACCESS_TOKEN, PASSWORD, ROOT, Installation

ORDERS = "/api/v2/barong/resource/orders"
ROUTE = """
- prefix: {prefix}
  access: required
  upstream: "{upstream}"
  scope: orders
  resource: true
"""


class Memory:
    """What the client remembers."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@pytest.fixture(scope="module")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DocumentHost]:
    """Serves documents over https, with a certificate that every new connection pool trusts."""
    tls, trusted = certificate(tmp_path_factory.mktemp("tls"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(trusted))
        async with document_host(tls) as made:
            yield made


@pytest.fixture(scope="module")
async def provider(
    system: Installation, host: DocumentHost, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """A gateway with a protected resource whose scope unregistered clients may ask for."""

    async def served(_request: web.Request) -> web.Response:
        return web.Response(text="served")

    app = web.Application()
    app.router.add_get("/{path:.*}", served)
    async with serving(app) as upstream:
        routes = tmp_path_factory.mktemp("routes") / "routes.yaml"
        usual = (ROOT / "deploy" / "config" / "routes.yaml").read_text()
        routes.write_text(usual + ROUTE.format(prefix=ORDERS, upstream=upstream))
        async with provider_of(
            system,
            resource=ORDERS,
            BARONG_ROUTES_FILE=str(routes),
            BARONG_OAUTH_SELF_REGISTERED_SCOPES="openid orders offline_access",
        ) as made:
            yield made


async def consented(system: Installation, start: str, member: Client) -> AuthorizationCodeResult:
    """What the user's browser brings back to the client."""
    async with RelyingParty(system, {"client_id": "not used"}) as browser:
        page = await browser.visit("GET", start)
        pages = []
        while not page.location.startswith(REDIRECT_URI):
            pages.append(page.location.partition("?")[0].rpartition("/")[2])
            if "login_challenge" in page.parameters:
                page = await browser.fill_in(page, member.email, PASSWORD)
            elif "consent_challenge" in page.parameters:
                page = await browser.consent(page)
            else:
                page = await browser.visit("GET", page.location)
    assert "consent" in pages
    return AuthorizationCodeResult.model_validate(page.parameters)


@pytest.mark.parametrize("way", ["registration", "metadata-document"])
async def test_an_mcp_client_reaches_a_route_of_which_it_knows_the_address_only(
    way: str, provider: Installation, host: DocumentHost, member: Client
) -> None:
    memory, started = Memory(), list[str]()
    grant_types = ["authorization_code", "refresh_token"]
    url = host.publish("mcp.json", client_name="An MCP client", grant_types=grant_types)

    async def redirect(start: str) -> None:
        started.append(start)

    async def come_back() -> AuthorizationCodeResult:
        return await consented(provider, started[-1], member)

    async def add_initial_access_token(request: httpx2.Request) -> None:
        if request.url.path == "/oauth/register":
            request.headers["Authorization"] = f"Bearer {INITIAL_ACCESS_TOKEN}"

    auth = OAuthClientProvider(
        server_url=f"{provider.gateway_url}{ORDERS}",
        client_metadata=OAuthClientMetadata(
            client_name="An MCP client", redirect_uris=[AnyUrl(REDIRECT_URI)]
        ),
        storage=memory,
        redirect_handler=redirect,
        callback_handler=come_back,
        client_metadata_url=url if way == "metadata-document" else None,
    )
    hooks = {"request": [add_initial_access_token]}
    async with httpx2.AsyncClient(
        auth=auth, event_hooks=hooks, trust_env=False, timeout=60
    ) as http:
        first = await http.get(f"{provider.gateway_url}{ORDERS}")
        assert memory.tokens is not None
        assert memory.client is not None
        before = memory.tokens.access_token
        auth.context.token_expiry_time = 1  # long ago: it refreshes
        second = await http.get(f"{provider.gateway_url}{ORDERS}/7")

    assert (first.status_code, first.text, second.status_code) == (200, "served", 200)
    assert memory.tokens.access_token != before
    assert len(started) == 1
    assert (memory.client.client_id == url) is (way == "metadata-document")
