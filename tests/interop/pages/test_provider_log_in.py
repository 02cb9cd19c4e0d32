"""A log-in by another OpenID provider in Chromium: its cookies, its policy, and axe."""

import html
import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from playwright.async_api import Route, expect

from tests.interop.pages.conftest import PHONE, Visitor, Windows
from tests.support.authenticator import second_factor_of
from tests.support.client import Client
from tests.support.openid_provider import (
    OpenIdProvider,
    Person,
    openid_provider,
    provider_file,
    settings_of,
)
from tests.support.own_service import pages_of
from tests.support.system import Installation

pytestmark = pytest.mark.xdist_group("browser")

SITE = "http://id.example"
"""Where the provider's pages are: another site than ours."""
BACK = "/account/log-in/provider/example"
LABELS = {
    "en": ("Log in with Example & Sons", "Log in"),
    "de": ("Mit Example & Sons anmelden", "Anmelden"),
}


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with openid_provider() as made:
        made.metadata = {"authorization_endpoint": f"{SITE}/authorize"}
        yield made


@pytest.fixture(scope="module")
async def mine(
    system: Installation, provider: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The system with the provider."""
    file = provider_file(tmp_path_factory.mktemp("providers"), provider)
    async with pages_of(system, **settings_of(file)) as made:
        yield made


async def is_at_provider(
    visitor: Visitor, mine: Installation, provider: OpenIdProvider, person: Person
) -> None:
    """Lets the provider's site show a link back, as its answer to whoever comes there."""

    async def authorize(route: Route) -> None:
        question = route.request.url.replace(SITE, provider.url)
        answer = urlencode(provider.come_back(question, person))
        link = html.escape(f"{mine.gateway_url}{BACK}?{answer}")
        await route.fulfill(body=f'<a href="{link}">Back</a>', content_type="text/html")

    await visitor.page.route(f"{SITE}/**", authorize)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_member_logs_in_by_a_provider_and_a_code(
    windows: Windows,
    mine: Installation,
    provider: OpenIdProvider,
    client: Client,
    language: str,
    scripts: bool,
) -> None:
    uid = str((await client.become_member()).body["uid"])
    authenticator = await second_factor_of(client, uid)
    context, visitor = await windows.open(
        language, base_url=mine.gateway_url, java_script_enabled=scripts, viewport=PHONE
    )
    page = visitor.page
    by_provider, log_in = LABELS[language]
    await is_at_provider(visitor, mine, provider, Person(email=client.email))
    await page.goto("/account/log-in?next=/account/sessions")
    await expect(page.get_by_role("button", name=by_provider)).to_be_visible()
    faults = await judged(visitor, scripts)
    await visitor.submit(by_provider)
    await page.get_by_role("link", name="Back").click()
    await expect(page.locator("[name=otp_code]")).to_be_visible()
    faults += await judged(visitor, scripts)
    await visitor.submit(log_in, otp_code=authenticator.code())
    await expect(page).to_have_url(re.compile(r"/account/sessions$"))
    await page.goto("/account/linked-accounts")
    await expect(page.get_by_text("Example & Sons").first).to_be_visible()
    faults += await judged(visitor, scripts)
    assert not faults
    assert not visitor.faults
    await context.close()


async def judged(visitor: Visitor, scripts: bool) -> list[str]:
    """What axe finds, which is a script itself."""
    return await visitor.judge_at_both_widths() if scripts else []


async def test_a_provider_that_refuses_leads_back(
    windows: Windows, mine: Installation, provider: OpenIdProvider
) -> None:
    context, visitor = await windows.open(base_url=mine.gateway_url, viewport=PHONE)
    page = visitor.page
    await page.goto(f"{BACK}?error=access_denied&state=x")
    await expect(page.get_by_role("link", name="Back to the log-in")).to_be_visible()
    assert not await visitor.judge_at_both_widths()
    await page.get_by_role("link", name="Back to the log-in").click()
    await expect(page).to_have_url(re.compile(r"/account/log-in$"))
    await context.close()
    assert not visitor.faults
