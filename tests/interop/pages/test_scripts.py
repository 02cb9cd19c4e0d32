"""What scripts of the pages do with refusals, and when no answer comes."""

import re

import pytest
from playwright.async_api import FilePayload, Route, expect

from tests.interop.pages.conftest import Visitor, Windows
from tests.interop.pages.test_account import PNG
from tests.support.client import Client
from tests.support.system import PASSWORD, SUPERADMIN, Installation

pytestmark = pytest.mark.xdist_group("browser")


async def as_json(route: Route) -> None:
    """What a gateway or a proxy says to programs."""
    await route.fulfill(
        status=429,
        content_type="application/json",
        headers={"X-Request-Id": "0123456789abcdef0123456789abcdef"},
        body='{"errors": ["request.throttled"]}',
    )


async def open_page(visitor: Visitor, page: str, email: str) -> None:
    await visitor.page.goto(f"/account/log-in?next={page}")
    await visitor.submit("Log in", email=email, password=PASSWORD)
    await expect(visitor.page).to_have_url(re.compile(f"{page}$"))
    await visitor.settle()


async def test_a_search_that_is_refused_says_so(windows: Windows) -> None:
    context, visitor = await windows.open()
    page = visitor.page
    await open_page(visitor, "/console/users", SUPERADMIN)
    alert, status = page.get_by_role("alert"), page.get_by_role("status")
    await page.locator("#q").press_sequentially("?!")
    await expect(alert).to_contain_text("Begin the search with a letter or a digit.")
    await expect(alert).to_contain_text("Request id:")
    assert not await visitor.judge()
    await page.locator("#q").fill("nobody-has-this")
    await expect(alert).to_have_count(0)
    await expect(status).to_have_text("0 users")
    refused = [fault for fault in visitor.faults if " 422 " in fault and "/console/users?" in fault]
    assert visitor.faults == refused  # Chromium calls each call of a script with a 4xx an error

    await page.route("**/console/users?*", as_json)
    await page.locator("#q").press_sequentially("1")
    await expect(alert).to_contain_text("The server refused this (429).")
    await expect(alert).to_contain_text("0123456789abcdef0123456789abcdef")
    await page.unroute("**/console/users?*")
    await page.route("**/console/users?*", lambda route: route.abort())
    await page.locator("#q").press_sequentially("2")
    await expect(alert).to_contain_text("No answer came.")
    await page.unroute("**/console/users?*")
    await page.locator("#q").press_sequentially("3")
    await expect(status).to_have_text("0 users")

    await context.clear_cookies(name="_barong_session")
    await page.locator("#q").press_sequentially("4")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    await visitor.submit("Log in", email=SUPERADMIN, password=PASSWORD)
    await expect(page.locator("#q")).to_have_value("nobody-has-this1234")
    await context.close()


async def test_an_upload_that_is_refused_says_so(windows: Windows, system: Installation) -> None:
    async with Client(system) as member:
        await member.become_member()
    context, visitor = await windows.open()
    page = visitor.page
    await open_page(visitor, "/account/documents", member.email)
    alert, button = page.get_by_role("alert"), page.get_by_role("button", name="Upload")

    async def upload(content: bytes) -> None:
        file = FilePayload(name="a.png", mimeType="image/png", buffer=content)
        await page.locator("[name='upload[]']").set_input_files(file)
        await visitor.submit("Upload", doc_number="AB123", doc_expire="2099-01-01")

    await upload(b"no picture")
    await expect(alert).to_contain_text("The file is not what its name says.")
    await expect(button).to_be_enabled()
    assert not await visitor.judge()
    assert not visitor.faults

    await page.route("**/account/documents", as_json)
    await upload(PNG)
    await expect(alert).to_contain_text("The server refused this (429).")
    await expect(alert).to_contain_text("0123456789abcdef0123456789abcdef")
    await page.unroute("**/account/documents")
    await page.route("**/account/documents", lambda route: route.abort())
    await upload(PNG)
    await expect(alert).to_contain_text("No answer came.")
    await expect(button).to_be_enabled()
    await page.unroute("**/account/documents")
    await upload(PNG)
    await expect(page.get_by_role("status")).to_contain_text("Your document is uploaded.")
    await context.close()
