"""Passkeys by the pages, in Chromium with a virtual authenticator (WebAuthn Level 3, 11)."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.interop.pages.conftest import PHONE, Visitor, Windows
from tests.interop.pages.test_account import log_in
from tests.support.client import Client
from tests.support.internal import tables_of_identity
from tests.support.own_service import pages_of
from tests.support.system import Installation

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
async def pages(system: Installation) -> AsyncIterator[Installation]:
    """The system with pages that may use passkeys, at localhost."""
    async with pages_of(system) as made:
        yield made


NO_SUGGESTION = """
if (window.PublicKeyCredential) {
  PublicKeyCredential.isConditionalMediationAvailable = async () => false;
}
"""


async def authenticator(page: Page) -> None:
    """An authenticator that is part of the device; its user is always verified."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})


async def with_passkey(visitor: Visitor, email: str) -> None:
    """Logs in by the password and adds a passkey."""
    await log_in(visitor, email)
    await visitor.page.goto("/account/passkeys")
    await visitor.page.locator("form[data-passkey] [name=name]").fill("Laptop")
    await visitor.page.get_by_role("button", name="Add a passkey").click()
    await expect(visitor.page.get_by_role("status")).to_contain_text("Your passkey is added.")


async def test_a_passkey_is_added_logs_in_and_proves_it_once_more(
    windows: Windows, pages: Installation, client: Client
) -> None:
    await client.become_member()
    url = f"http://localhost:{pages.public['gateway']}"
    context, visitor = await windows.open(base_url=url, viewport=PHONE)
    page = visitor.page
    # The button logs in: a suggestion, which the authenticator takes at once, would be first.
    await page.add_init_script(NO_SUGGESTION)
    await authenticator(page)
    await with_passkey(visitor, client.email)
    assert not await visitor.judge()
    await page.get_by_text("Change or delete").click()
    await visitor.submit("Rename it", name="Tablet")
    await expect(page.get_by_role("status")).to_contain_text("another name")

    await visitor.submit("Log out")
    await expect(page.get_by_role("button", name="Log in with a passkey")).to_be_visible()
    assert not await visitor.judge()
    await page.get_by_role("button", name="Log in with a passkey").click()
    await expect(page).to_have_url(re.compile(r"/account$"))

    async with tables_of_identity(pages) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = auth_time - interval '601 seconds' FROM users"
            " WHERE users.uid = sessions.uid AND email = $1",
            client.email,
        )
    await page.goto("/account/passkeys")
    await page.get_by_text("Change or delete").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Is it you?")
    assert not await visitor.judge()
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you.")
    await page.get_by_text("Change or delete").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.get_by_role("status")).to_contain_text("The passkey is deleted.")
    await context.close()
    assert not visitor.faults


async def test_the_browser_suggests_the_passkey(
    windows: Windows, pages: Installation, client: Client
) -> None:
    await client.become_member()
    url = f"http://localhost:{pages.public['gateway']}"
    context, visitor = await windows.open(base_url=url)
    await authenticator(visitor.page)
    await with_passkey(visitor, client.email)
    await visitor.submit("Log out")
    # Chromium's virtual authenticator takes the suggestion at once.
    await expect(visitor.page).to_have_url(re.compile(r"/account$"))
    await expect(visitor.page.get_by_text(client.email).first).to_be_visible()
    await context.close()
    assert not visitor.faults


async def test_who_gives_no_passkey_is_told(
    windows: Windows, pages: Installation, client: Client
) -> None:
    """The authenticator has none for this page."""
    await client.become_member()
    url = f"http://localhost:{pages.public['gateway']}"
    context, visitor = await windows.open(base_url=url)
    page = visitor.page
    await authenticator(page)
    await page.goto("/account/log-in")
    await page.get_by_role("button", name="Log in with a passkey").click()
    await expect(page.get_by_role("alert")).to_contain_text("Your browser gave no passkey.")
    await log_in(visitor, client.email)
    await context.close()
    assert not visitor.faults


async def test_without_scripts_nothing_of_passkeys_is_in_the_way(
    windows: Windows, pages: Installation, client: Client
) -> None:
    await client.become_member()
    url = f"http://localhost:{pages.public['gateway']}"
    context, visitor = await windows.open(base_url=url, java_script_enabled=False)
    page = visitor.page
    await page.goto("/account/log-in")
    await expect(page.get_by_role("button", name="Log in with a passkey")).to_be_hidden()
    await log_in(visitor, client.email)
    await page.goto("/account/passkeys")
    await expect(page.get_by_text("This needs JavaScript")).to_be_visible()
    await expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    await context.close()
