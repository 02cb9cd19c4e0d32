"""Web applications of others log users in and out, against the running system."""

import json
from collections.abc import AsyncIterator

import pytest

from deploy.local import ports
from deploy.local.processes import StartError
from tests.interop.oauth.browser import Browser
from tests.interop.oauth.web_applications import KINDS, SCOPE, Kind, Place
from tests.support.client import Client
from tests.support.relying_party import RelyingParty
from tests.support.waiting import until


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(scope="module")
async def application(
    kind: Kind, registrar: Client, demo: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """A running application, as a confidential client."""
    [port] = ports.free_ports(1)
    url = f"http://127.0.0.1:{port}"
    registered = await RelyingParty.register(
        registrar,
        scopes=SCOPE.split(),
        redirect_uris=[f"{url}{kind.callback}"],
        post_logout_redirect_uris=[f"{url}/bye"],
        backchannel_logout_uri=f"{url}{kind.backchannel}" if kind.backchannel else "",
    )
    place = Place(
        folder=tmp_path_factory.mktemp("application"),
        port=port,
        issuer=registrar.system.gateway_url,
        client_id=registered.client_id,
        secret=registered.secret or "",
        demo=demo,
    )
    try:
        async with kind.run(place):
            yield place
    except StartError as error:
        pytest.skip(str(error))


async def test_it_logs_a_user_in_and_out(application: Place, kind: Kind, browser: Browser) -> None:
    shown = await browser.open(f"{application.url}/")
    assert (shown.status, shown.url.origin()) == (200, shown.url.with_path("").origin())
    assert browser.email in shown.html

    again = await browser.get(f"{application.url}/again")
    assert (again.status, again.url.path) == (200, "/again")
    assert browser.email in again.html

    bye = await browser.open(kind.log_out(application))
    assert str(bye.url) == f"{application.url}/bye"
    asked = await browser.get(f"{application.url}/")
    assert asked.url.path == "/account/log-in"


async def test_it_ends_its_session_when_the_user_logs_out_elsewhere(
    application: Place, kind: Kind, browser: Browser
) -> None:
    if kind.backchannel is None:
        pytest.skip("oauth2-proxy has no back-channel logout.")
    await browser.open(f"{application.url}/")
    ended = await browser.open(f"{application.issuer}/oauth/logout")
    assert "You are logged out" in ended.text

    async def forgotten() -> bool:
        shown = await browser.get(f"{application.url}/")
        return shown.url.path == "/account/log-in"

    await until(forgotten)


async def test_oauth2_proxy_refreshes_its_tokens(
    application: Place, kind: Kind, browser: Browser
) -> None:
    if kind is not KINDS["oauth2-proxy"]:
        pytest.skip("Its log-in alone is looked at.")

    async def token() -> str:
        shown = await browser.get(f"{application.url}/")
        return str(json.loads(shown.html)["x-forwarded-access-token"])

    await browser.open(f"{application.url}/")
    first = await token()

    async def refreshed() -> bool:
        return await token() != first

    await until(refreshed)
