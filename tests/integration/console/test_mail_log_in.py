"""A log-in by mail by the pages, as a browser without JavaScript."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.support.authenticator import forget_used_codes, second_factor_of
from tests.support.client import Client
from tests.support.own_service import pages_of
from tests.support.pages import Pages, Shown, log_in_mail
from tests.support.system import Installation

REQUEST, CODE = "/account/log-in/mail", "/account/log-in/code"


@pytest.fixture
async def elsewhere(system: Installation) -> AsyncIterator[Pages]:
    """Another browser."""
    async with Pages(system) as made:
        yield made


@pytest.fixture
async def uid(client: Client, pages: Pages) -> str:
    """That of a member whose address the visitor has."""
    uid = str((await client.become_member()).body["uid"])
    pages.email = client.email
    return uid


async def asked(pages: Pages, page: str = REQUEST) -> Shown:
    shown = await pages.fill_in(page, REQUEST, email=pages.email)
    assert (shown.status, shown.url.path) == (200, CODE)
    assert "If there is an account with this address, the mail is on its way." in shown.text
    return shown


@pytest.mark.usefixtures("uid")
async def test_the_log_in_leads_to_the_mail_and_its_code_to_where_one_was(pages: Pages) -> None:
    shown = await pages.get("/account/log-in?next=/account/sessions")
    assert "Log in by mail, without a password" in shown.text
    address = re.search(r'href="(/account/log-in/mail[^"]*)"', shown.html)
    assert address is not None
    form = (await asked(pages, address[1])).form(CODE)
    _, code = await log_in_mail(pages.system, pages.email)
    wrong = await pages.post(CODE, {**form.fields, "code": "1"})
    assert wrong.status == 422
    assert "The link or the code is wrong, too old, or was used already." in wrong.text
    logged_in = await pages.post(CODE, {**form.fields, "code": code})
    assert logged_in.url.path == "/account/sessions"


@pytest.mark.usefixtures("uid")
async def test_the_link_shows_a_button_and_logs_in_once(pages: Pages) -> None:
    await asked(pages)
    link, _ = await log_in_mail(pages.system, pages.email)
    for _ in range(3):  # opening it uses nothing up
        shown = await pages.get(link)
        assert (shown.status, "code" in shown.form(CODE).fields) == (200, False)
    logged_in = await pages.fill_in(link, CODE)
    assert logged_in.url.path == "/account"
    assert pages.email in logged_in.text
    again = await pages.fill_in(link, CODE)
    assert again.status == 422
    assert "was used already" in again.text


@pytest.mark.usefixtures("uid")
async def test_another_browser_needs_the_code_beside_the_link(
    pages: Pages, elsewhere: Pages
) -> None:
    await asked(pages)
    link, code = await log_in_mail(pages.system, pages.email)
    without = await elsewhere.fill_in(link, CODE)
    assert without.status == 422
    assert "You asked for this link in another browser." in without.text
    token = without.form(CODE).fields["token"]
    assert link.startswith(f"{CODE}?log_in_token={token}")
    logged_in = await elsewhere.post(CODE, {**without.form(CODE).fields, "code": code})
    assert logged_in.url.path == "/account"


async def test_the_second_factor_is_asked_for(pages: Pages, client: Client, uid: str) -> None:
    authenticator = await second_factor_of(client, uid)
    await asked(pages)
    link, _ = await log_in_mail(pages.system, pages.email)
    missing = await pages.fill_in(link, CODE)
    assert missing.status == 422
    assert "Enter the code of your authenticator app, too." in missing.text
    await forget_used_codes(client, uid)
    shown = await pages.post(CODE, {**missing.form(CODE).fields, "otp_code": authenticator.code()})
    assert shown.url.path == "/account"


async def test_nobody_learns_who_has_an_account(pages: Pages) -> None:
    shown = await asked(pages)  # nobody has this address
    refused = await pages.post(CODE, {**shown.form(CODE).fields, "code": "12345678"})
    assert refused.status == 422
    empty = await pages.fill_in(REQUEST, email=" ")
    assert empty.status == 400
    assert "Enter your e-mail address." in empty.text


async def test_in_german(system: Installation) -> None:
    async with Pages(system, **{"Accept-Language": "de"}) as pages:
        assert "Per E-Mail anmelden, ohne Passwort" in (await pages.get("/account/log-in")).text
        assert "Mail" in (await pages.get(REQUEST)).text
        assert "Code aus der E-Mail" in (await pages.get(CODE)).text


async def test_where_it_is_off_no_page_is_there(system: Installation) -> None:
    async with pages_of(system, BARONG_MAIL_LOG_IN_MINUTES="0") as off, Pages(off) as pages:
        assert "by mail" not in (await pages.get("/account/log-in")).text
        for page in (REQUEST, CODE, f"{CODE}?log_in_token=x"):
            shown = await pages.get(page)
            assert (shown.status, "There is no such page." in shown.text) == (404, True)
