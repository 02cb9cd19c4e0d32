"""A log-in by another OpenID provider by the pages, as a browser without JavaScript."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.support.authenticator import second_factor_of
from tests.support.client import Client
from tests.support.internal import tables_of_identity
from tests.support.openid_provider import (
    OpenIdProvider,
    Person,
    openid_provider,
    provider_file,
    settings_of,
)
from tests.support.own_service import pages_of
from tests.support.pages import Pages, Shown
from tests.support.relying_party import RelyingParty
from tests.support.system import PASSWORD, Installation

LOG_IN, START, LINKED = (
    "/account/log-in",
    "/account/log-in/provider",
    "/account/linked-accounts",
)
BACK = "/account/log-in/provider/example"


@pytest.fixture(scope="module")
async def stand_in() -> AsyncIterator[OpenIdProvider]:
    async with openid_provider() as made:
        yield made


@pytest.fixture
def provider(stand_in: OpenIdProvider) -> OpenIdProvider:
    stand_in.start_anew()
    return stand_in


@pytest.fixture(scope="module")
async def mine(
    system: Installation, stand_in: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The system with the provider."""
    folder: Path = tmp_path_factory.mktemp("providers")
    settings = {**settings_of(provider_file(folder, stand_in)), "BARONG_TRUSTED_DEVICE_DAYS": "30"}
    async with pages_of(system, **settings) as made:
        yield made


@pytest.fixture
async def pages(mine: Installation) -> AsyncIterator[Pages]:
    async with Pages(mine) as made:
        yield made


@pytest.fixture
async def elsewhere(mine: Installation) -> AsyncIterator[Pages]:
    """Another browser."""
    async with Pages(mine) as made:
        yield made


async def sent(pages: Pages, page: str = LOG_IN, action: str = START) -> str:
    """The address at the provider to which a button leads."""
    form = (await pages.get(page)).form(action)
    shown = await pages.post(action, {**form.fields, "provider": "example"})
    return question_of(shown)


def question_of(shown: Shown) -> str:
    assert shown.status == 200, shown.text
    refresh = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', shown.html)
    assert refresh is not None, shown.html
    assert f'<a href="{refresh[1]}">' in shown.html  # for browsers that do not go by themselves
    return html.unescape(refresh[1])


async def come_back(pages: Pages, provider: OpenIdProvider, question: str, who: Person) -> Shown:
    """What the browser shows that comes back from the provider."""
    target = urlsplit(dict(parse_qsl(urlsplit(question).query))["redirect_uri"]).path
    assert target == BACK
    return await pages.get(f"{target}?{urlencode(provider.come_back(question, who))}")


async def test_a_visitor_without_an_account_gets_one_and_comes_to_where_they_were(
    pages: Pages, provider: OpenIdProvider
) -> None:
    shown = await pages.get(f"{LOG_IN}?next=/account/sessions")
    assert "Log in with Example & Sons" in shown.text
    person = Person()
    question = await sent(pages, f"{LOG_IN}?next=/account/sessions")
    arrived = await come_back(pages, provider, question, person)
    assert (arrived.status, arrived.url.path) == (200, "/account/sessions")
    assert person.email in arrived.text
    listed = await pages.get(LINKED)
    assert f"Example & Sons {person.email}" in listed.text
    # Opened again, the address of the answer does no harm.
    again = await come_back_again(pages, provider, question)
    assert again.url.path == "/account"


async def come_back_again(pages: Pages, provider: OpenIdProvider, question: str) -> Shown:
    return await come_back(pages, provider, question, Person())


async def test_another_browser_is_told_to_begin_again(
    pages: Pages, elsewhere: Pages, provider: OpenIdProvider
) -> None:
    question = await sent(pages)
    shown = await come_back(elsewhere, provider, question, Person())
    assert shown.status == 422
    assert "began in another browser" in shown.text
    assert f'href="{LOG_IN}"' in shown.html


async def test_what_was_wrong_is_said(pages: Pages, provider: OpenIdProvider) -> None:
    provider.claims = {"nonce": "another"}
    shown = await come_back(pages, provider, await sent(pages), Person())
    assert shown.status == 422
    assert "cannot be trusted" in shown.text
    provider.start_anew()
    shown = await come_back(pages, provider, await sent(pages), Person(verified=False))
    assert "did not verify your e-mail address" in shown.text


async def test_a_provider_that_is_away_is_said_to_be(
    pages: Pages, provider: OpenIdProvider
) -> None:
    question = await sent(pages)
    provider.broken = {"token": "error"}
    shown = await come_back(pages, provider, question, Person())
    assert shown.status == 503
    assert "The provider does not answer." in shown.text


async def test_the_second_factor_is_asked_for_by_a_form(
    client: Client, pages: Pages, provider: OpenIdProvider
) -> None:
    uid = str((await client.become_member()).body["uid"])
    authenticator = await second_factor_of(client, uid)
    shown = await come_back(pages, provider, await sent(pages), Person(email=client.email))
    form = shown.form(BACK)
    assert (shown.status, 'name="trust_device"' in shown.html) == (200, True)
    wrong = await pages.post(BACK, {**form.fields, "otp_code": "000000"})
    assert wrong.status == 403
    assert "The code of your authenticator app is wrong." in wrong.text
    fields = {**form.fields, "csrf": wrong.form(BACK).fields["csrf"]}
    right = await pages.post(BACK, {**fields, "otp_code": authenticator.code()})
    assert (right.status, right.url.path) == (200, "/account")
    assert client.email in right.text


async def test_the_form_leads_to_the_application_for_which_somebody_logs_in(
    client: Client, pages: Pages, provider: OpenIdProvider, system: Installation
) -> None:
    uid = str((await client.become_member()).body["uid"])
    authenticator = await second_factor_of(client, uid)
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()
        async with await RelyingParty.register(admin, scopes=["openid"]) as app:
            challenge = (await app.authorize()).parameters["login_challenge"]
            question = await sent(pages, f"{LOG_IN}?login_challenge={challenge}")
            shown = await come_back(pages, provider, question, Person(email=client.email))
            # Browsers follow a redirect from a form only to sites that the policy names.
            policy = shown.headers["Content-Security-Policy"]
            assert policy.endswith("form-action 'self' https://app.example.com")
            form = {**shown.form(BACK).fields, "otp_code": authenticator.code()}
            answer = await pages.post(BACK, form, allow_redirects=False)
            assert answer.headers["Location"].startswith("/oauth/authorize/resume?challenge=")


async def test_a_member_links_an_account_and_ends_the_link(
    client: Client, pages: Pages, elsewhere: Pages, provider: OpenIdProvider
) -> None:
    await client.become_member()
    await pages.log_in(client.email)
    assert LINKED in (await pages.get("/account/passkeys")).html
    assert "No account at another provider is linked." in (await pages.get(LINKED)).text
    person = Person(verified=False)
    shown = await come_back(pages, provider, await sent(pages, LINKED, LINKED), person)
    assert (shown.status, shown.url.path) == (200, LINKED)
    assert "The account is linked." in shown.text
    other = await come_back(elsewhere, provider, await sent(elsewhere), person)
    assert client.email in other.text
    ended = await pages.fill_in(LINKED, f"{LINKED}/removal")
    assert "The link is ended." in ended.text
    taken = await come_back(pages, provider, await sent(pages, LINKED, LINKED), person)
    assert "The account is linked." in taken.text
    again = await come_back(pages, provider, await sent(pages, LINKED, LINKED), person)
    assert (again.status, "This account is linked already." in again.text) == (422, True)


async def test_a_link_asks_for_the_password_first(
    client: Client, pages: Pages, provider: OpenIdProvider
) -> None:
    await client.become_member()
    await pages.log_in(client.email)
    async with tables_of_identity(pages.system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = now() - '1 hour'::interval FROM users"
            " WHERE users.uid = sessions.uid AND email = $1",
            client.email,
        )
    form = (await pages.get(LINKED)).form(LINKED)
    asked = await pages.post(LINKED, {**form.fields, "provider": "example"})
    assert asked.url.path == "/account/verification"
    proven = await pages.post(
        "/account/verification",
        {**asked.form("/account/verification").fields, "password": PASSWORD},
    )
    assert proven.url.path == LINKED
    question = await sent(pages, LINKED, LINKED)
    assert "The account is linked." in (await come_back(pages, provider, question, Person())).text


async def test_german_pages_are_in_german(mine: Installation, provider: OpenIdProvider) -> None:
    async with Pages(mine, **{"Accept-Language": "de"}) as pages:
        assert "Mit Example & Sons anmelden" in (await pages.get(LOG_IN)).text
        provider.claims = {"aud": "another"}
        shown = await come_back(pages, provider, await sent(pages), Person())
        assert "Der Antwort des Anbieters ist nicht zu trauen." in shown.text


async def test_without_providers_nothing_is_offered(system: Installation) -> None:
    async with Pages(system) as pages:
        shown = await pages.get(LOG_IN)
        assert START not in shown.html
        form = shown.form(LOG_IN)
        refused = await pages.post(START, {"csrf": form.fields["csrf"], "provider": "example"})
        assert (refused.status, "There is no such provider." in refused.text) == (404, True)
