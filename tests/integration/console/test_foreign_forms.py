"""No form of any page does anything without its token."""

import re
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from console_svc.routes import PAGES
from console_svc.site import ANYONE
from tests.support.client import Client
from tests.support.pages import Form, Pages, Shown
from tests.support.staff import promote
from tests.support.system import Installation

ADDRESSES = [page.path for page in PAGES if page.submit is not None]
TOO_OLD = "This form is too old"
QUERIES = {
    "/accounts/confirmation": "?confirmation_token=x",
    "/accounts/password_reset": "?reset_token=x",
    "/accounts/email_change": "?email_change_token=x",
    "/accounts/email_reversal": "?email_reversal_token=x",
    "/account/log-in/code": "?log_in_token=x",
    "/account/verification": "?next=/account/email",
}


@pytest.fixture(scope="module")
async def staff(system: Installation, admin: Client) -> AsyncIterator[Pages]:
    """The browser of somebody who may do everything."""
    async with Client(system) as person, Pages(system) as made:
        await promote(admin, person, "superadmin")
        await made.log_in(person.email)
        yield made


@pytest.fixture(scope="module")
async def values(staff: Pages, admin: Client) -> Mapping[str, str]:
    """What stands for the variable parts of addresses."""
    mine = (await admin.get("resource/users/me")).body
    parts = {"uid": mine["uid"], "kid": "x", "id": "1", "name": "example", "kind": "users"}
    return parts | {"queue": "mailer-svc"}


def address_of(path: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda part: values[part[1]], path)


@pytest.mark.parametrize("token", ["absent", "blank", "foreign", "of another session"])
async def test_no_address_takes_a_form_without_its_token(
    staff: Pages, values: Mapping[str, str], pages: Pages, token: str
) -> None:
    """Not even one that no page shows."""
    await pages.sign_up()
    theirs = (await pages.get("/account")).form("/account/log-out").fields["csrf"]
    tokens = {"blank": "", "foreign": "0" * 64, "of another session": theirs}
    form = {"csrf": tokens[token]} if token in tokens else {}
    for path in ADDRESSES:
        refused = await staff.post(address_of(path, values), form, allow_redirects=False)
        assert refused.status == 403, path
        assert TOO_OLD in refused.text, path
    assert (await staff.get("/account")).url.path == "/account"  # not even logged out


async def test_no_address_takes_the_form_of_a_visitor_without_a_session(
    pages: Pages, values: Mapping[str, str]
) -> None:
    """Pages of members lead to the log-in first."""
    for page in PAGES:
        if page.submit is None:
            continue
        form = {"csrf": "0" * 64}
        refused = await pages.post(address_of(page.path, values), form, allow_redirects=False)
        if page.visitors is ANYONE:
            assert (refused.status, TOO_OLD in refused.text) == (403, True), page.path
        else:
            assert refused.status == 303, page.path
            assert refused.headers["Location"].startswith("/account/log-in?"), page.path


async def test_every_form_of_every_page_has_its_token(
    staff: Pages, pages: Pages, values: Mapping[str, str]
) -> None:
    """And leads to an address that refuses it without."""
    patterns = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in ADDRESSES]
    found = 0
    for visitor in (staff, pages):
        token = ""
        for page in PAGES:
            if page.path == "/account/log-out" or "/export" in page.path:
                continue
            address = address_of(page.path, values) + QUERIES.get(page.path, "")
            shown = await visitor.get(address)
            for form in shown.forms:
                if form.method != "post":
                    continue
                found += 1
                token = token or form.fields["csrf"]
                assert form.fields["csrf"] == token, address
                path = target(form, shown)
                assert any(each.fullmatch(path) for each in patterns), (address, path)
    assert found > 100


def target(form: Form, shown: Shown) -> str:
    """Where a form goes, without its query."""
    return (form.action or shown.url.path).partition("?")[0]


async def test_a_form_with_files_needs_its_token(staff: Pages) -> None:
    form = aiohttp.FormData()
    form.add_field("csrf", "0" * 64)
    form.add_field("upload[]", b"x", filename="a.png", content_type="image/png")
    refused = await staff.post("/account/documents", form)
    assert (refused.status, TOO_OLD in refused.text) == (403, True)
