"""oidc-client-ts 3 in Chromium: a single-page application that keeps its tokens itself."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect

from tests.interop.oauth.programs import HERE
from tests.interop.programs import files_in, installed_by_npm
from tests.support.client import Client
from tests.support.relying_party import RelyingParty
from tests.support.system import PASSWORD, Installation

pytestmark = pytest.mark.xdist_group("browser")

SCOPE = "openid email offline_access"


LIBRARY = Path("node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js")


@pytest.fixture(scope="module")
async def application(system: Installation, registrar: Client) -> AsyncIterator[str]:
    """The address of the application, a public client from another origin than Barong's."""
    files = files_in(HERE / "oidc_client_ts", "package.json", "package-lock.json")
    made = await asyncio.to_thread(installed_by_npm, "oidc-client-ts", files)
    if isinstance(made, str):
        pytest.skip(made)
    library = (made / LIBRARY).read_text()
    page = (HERE / "oidc_client_ts" / "page.html").read_text()
    settings: dict[str, str] = {}

    async def show(_request: web.Request) -> web.Response:
        text = page.replace("SETTINGS", json.dumps(settings))
        return web.Response(text=text, content_type="text/html")

    async def load(_request: web.Request) -> web.Response:
        return web.Response(text=library, content_type="text/javascript")

    served = web.Application()
    served.router.add_get("/oidc-client-ts.js", load)
    served.router.add_get("/{path:.*}", show)
    async with TestServer(served) as server:
        url = str(server.make_url("")).rstrip("/")
        registered = await RelyingParty.register(
            registrar,
            authentication="none",
            scopes=SCOPE.split(),
            redirect_uris=[f"{url}/callback"],
            post_logout_redirect_uris=[f"{url}/bye"],
        )
        settings |= {
            "authority": system.gateway_url,
            "client_id": registered.client_id,
            "scope": SCOPE,
        }
        yield url


async def test_a_single_page_application_logs_a_user_in_and_out(
    application: str, chromium: Chromium, member: Client
) -> None:
    context = await chromium.new_context(locale="en")
    page = await context.new_page()
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))

    await page.goto(application)
    await page.get_by_role("button", name="Log in here").click()
    await page.get_by_label("E-mail address").fill(member.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in", exact=True).click()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.locator("#email")).to_have_text(member.email)

    for renewals in ("1", "2"):
        await page.get_by_role("button", name="Renew").click()
        await expect(page.locator("#renewals")).to_have_text(renewals)

    await page.get_by_role("button", name="Revoke").click()
    await expect(page.locator("#userinfo")).to_have_text("401")

    # The session goes on, and the consent holds: nobody is asked again.
    await page.goto(application)
    await page.get_by_role("button", name="Log in here").click()
    await expect(page.locator("#email")).to_have_text(member.email)

    await page.get_by_role("button", name="Log out here").click()
    await expect(page).to_have_url(f"{application}/bye")
    await page.get_by_role("button", name="Log in here").click()
    await expect(page).to_have_url(re.compile(r"/account/log-in\?"))
    await context.close()
    assert faults == []
