"""A log-in by mail in Chromium, whose cookies decide where a link works."""

import re

import pytest
from playwright.async_api import Route, expect

from tests.interop.pages.conftest import PHONE, Visitor, Windows
from tests.support.client import Client
from tests.support.pages import log_in_mail
from tests.support.system import Installation

pytestmark = pytest.mark.xdist_group("browser")

MAILBOX = "http://mail.example/"
"""A site of somebody else, whose links lead to ours, as those of a mail program do."""


async def follow(visitor: Visitor, link: str) -> None:
    """Opens a link that another site shows."""

    async def mailbox(route: Route) -> None:
        await route.fulfill(body=f'<a href="{link}">Open</a>', content_type="text/html")

    await visitor.page.route(MAILBOX, mailbox)
    await visitor.page.goto(MAILBOX)
    await visitor.page.get_by_role("link", name="Open").click()
    await expect(visitor.page.get_by_role("button", name="Log in", exact=True)).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_link_works_where_it_was_asked_for(
    windows: Windows, system: Installation, client: Client, scripts: bool
) -> None:
    await client.become_member()
    asking, visitor = await windows.open(java_script_enabled=scripts, viewport=PHONE)
    page = visitor.page
    await page.goto("/account/log-in?next=/account/sessions")
    await page.get_by_role("link", name="Log in by mail, without a password").click()
    await visitor.submit("Send the mail", email=client.email)
    await expect(page.get_by_role("status")).to_contain_text("the mail is on its way")
    path, code = await log_in_mail(system, client.email)
    link = f"{system.gateway_url}{path}"

    # Another browser: the link is not enough there, and asking for the code uses nothing up.
    other, other_person = await windows.open(java_script_enabled=scripts)
    await follow(other_person, link)
    await other_person.submit("Log in")
    alert = other_person.page.get_by_role("alert")
    await expect(alert).to_contain_text("You asked for this link in another browser.")
    await other_person.submit("Log in", code="0000 0001" if code != "0000 0001" else "0000 0002")
    await expect(alert).to_contain_text("The link or the code is wrong")

    # Here it is, also from another site: the browser sends its cookie along.
    await follow(visitor, link)
    await expect(page.locator("[name=code]")).to_have_count(0)
    await visitor.submit("Log in")
    await expect(page).to_have_url(re.compile(r"/account/sessions$"))
    await expect(page.get_by_text(client.email).first).to_be_visible()

    # It worked once.
    await other_person.submit("Log in", code=code)
    await expect(alert).to_contain_text("was used already")
    assert not visitor.faults
    assert not other_person.faults
    await asking.close()
    await other.close()


async def test_the_code_is_typed_where_it_was_asked_for(
    windows: Windows, system: Installation, client: Client
) -> None:
    await client.become_member()
    context, visitor = await windows.open()
    await visitor.page.goto("/account/log-in/mail?next=/account/sessions")
    await visitor.submit("Send the mail", email=client.email)
    _, code = await log_in_mail(system, client.email)
    await visitor.submit("Log in", code=code)
    await expect(visitor.page).to_have_url(re.compile(r"/account/sessions$"))
    await context.close()
    assert not visitor.faults
