"""Users log in for applications at console-svc's page, as they do for their account."""

import re
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from shared.process import running
from tests.support.client import USER_AGENT, Client
from tests.support.device import DEVICE_CODE, ask
from tests.support.oauth import another_instance
from tests.support.pages import form_of, log_in_mail
from tests.support.relying_party import REDIRECT_URI, Page, RelyingParty
from tests.support.system import PASSWORD, Installation

LOG_IN, REFUSAL = "/account/log-in", "/account/log-in/refusal"
MAIL, CODE = "/account/log-in/mail", "/account/log-in/code"


async def sent(browser: RelyingParty, page: Page, action: str, **typed: str) -> Page:
    """What follows when the form of this page that goes to `action` is sent."""
    fields = form_of(page.text, action).fields
    return await browser.visit("POST", action, data={**fields, **typed}, headers=browser.origin)


async def logged_in(browser: RelyingParty, page: Page, email: str) -> Page:
    return await sent(browser, page, LOG_IN, email=email, password=PASSWORD)


def session_in(browser: RelyingParty) -> str:
    """The session's cookie in a browser."""
    jar = browser.http.cookie_jar.filter_cookies(URL(browser.system.gateway_url))
    return jar["_barong_session"].value


async def is_living(system: Installation, cookie: str) -> bool:
    async with (
        aiohttp.ClientSession(system.gateway_url) as http,
        http.get(
            "/api/v2/barong/resource/users/me",
            headers={"Cookie": f"_barong_session={cookie}", "User-Agent": USER_AGENT},
        ) as got,
    ):
        return got.status == 200


async def test_the_page_names_the_application_and_leads_on(
    app: RelyingParty, member: Client
) -> None:
    start = await app.authorize(login_hint=member.email)
    shown = await app.visit("GET", start.location)

    assert shown.status == 200
    assert "You log in for the application <strong>An app</strong>." in shown.text
    assert form_of(shown.text, LOG_IN).fields["email"] == member.email
    policy = shown.headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' https://app.example.com")
    # An application that opened the page as a popup is told the answer.
    assert "Cross-Origin-Opener-Policy" not in shown.headers
    wrong = await sent(app, shown, LOG_IN, email=member.email, password="wrong")
    assert (wrong.status, "An app" in wrong.text) == (422, True)
    page = await logged_in(app, wrong, member.email)
    assert (page.status, page.location) == (
        303,
        f"/oauth/authorize/resume?challenge={start.parameters['login_challenge']}",
    )
    asked = await app.visit("GET", page.location)
    end = await app.visit("GET", (await app.consent(asked)).location)
    assert (await app.redeem(end.parameters["code"]))[0] == 200


async def test_the_page_of_the_account_names_none(app: RelyingParty) -> None:
    shown = await app.visit("GET", LOG_IN)

    assert "You log in for" not in shown.text
    assert shown.headers["Content-Security-Policy"].endswith("form-action 'self'")
    assert shown.headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_who_cancels_goes_back_to_the_application(app: RelyingParty) -> None:
    start = await app.authorize()
    shown = await app.visit("GET", start.location)
    forged = await app.visit(
        "POST", REFUSAL, data={**form_of(shown.text, REFUSAL).fields, "csrf": "guessed"}
    )
    foreign = await app.visit(
        "POST",
        REFUSAL,
        data=form_of(shown.text, REFUSAL).fields,
        headers={"Origin": "https://attacker.example"},
    )
    assert (forged.status, foreign.status) == (403, 403)

    end = await sent(app, shown, REFUSAL)

    assert end.location.startswith(f"{REDIRECT_URI}?")
    assert end.parameters == {
        "error": "access_denied",
        "error_description": "The user refused.",
        "state": "a-state",
        "iss": app.system.gateway_url,
    }
    gone = await app.visit("GET", start.location)
    assert (gone.status, "has expired, or was answered already" in gone.text) == (404, True)
    nobody = await app.visit("GET", LOG_IN)
    fields = form_of(nobody.text, LOG_IN).fields
    page = await app.visit("POST", REFUSAL, data=fields, headers=app.origin)
    assert page.location == "/account"  # there was nothing to refuse


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}])
async def test_who_is_logged_in_logs_in_once_more_if_the_application_asks_for_it(
    own_app: RelyingParty, member: Client, asked: dict[str, Any]
) -> None:
    first = await own_app.visit("GET", (await own_app.authorize()).location)
    await logged_in(own_app, first, member.email)
    before = session_in(own_app)
    assert "code" in (await own_app.authorize()).parameters

    start = await own_app.authorize(**asked)
    shown = await own_app.visit("GET", start.location)
    assert f"You are logged in as {member.email}." in shown.text
    assert form_of(shown.text, LOG_IN).fields["email"] == member.email
    page = await logged_in(own_app, shown, member.email)
    end = await own_app.visit("GET", page.location)

    assert "code" in end.parameters
    assert session_in(own_app) != before
    assert not await is_living(own_app.system, before)
    assert await is_living(own_app.system, session_in(own_app))


async def test_a_session_of_another_account_is_replaced(
    own_app: RelyingParty, member: Client
) -> None:
    first = await own_app.visit("GET", (await own_app.authorize()).location)
    await logged_in(own_app, first, member.email)
    before = session_in(own_app)
    async with Client(own_app.system) as other:
        uid = (await other.become_member()).body["uid"]
        start = await own_app.authorize(prompt="select_account")
        page = await logged_in(own_app, await own_app.visit("GET", start.location), other.email)
        end = await own_app.visit("GET", page.location)
        status, tokens = await own_app.redeem(end.parameters["code"])
        _, user = await own_app.userinfo(tokens["access_token"])

    assert (status, user["sub"]) == (200, uid)
    assert not await is_living(own_app.system, before)
    assert await is_living(own_app.system, session_in(own_app))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"acr_values": "aal2 phr"}, "It asks for a second factor"),
        ({"acr_values": "phr"}, "It asks for a passkey."),
        ({"claims": '{"id_token": {"acr": {"essential": true, "value": "phr"}}}'}, "a passkey."),
        ({"acr_values": "aal1"}, None),
        ({"acr_values": "unknown"}, None),
    ],
)
async def test_the_page_says_which_log_in_the_application_asks_for(
    own_app: RelyingParty, asked: dict[str, str], sentence: str | None
) -> None:
    shown = await own_app.visit("GET", (await own_app.authorize(**asked)).location)

    if sentence is None:
        assert "It asks for" not in shown.text
    else:
        assert sentence in shown.text


async def test_the_page_is_in_the_language_that_the_application_asks_for(
    own_app: RelyingParty,
) -> None:
    start = await own_app.authorize(ui_locales="fr de-AT")

    asked = await own_app.visit("GET", start.location)
    # What the visitor chose themselves wins, also after a form that was refused.
    chosen = await own_app.visit("GET", f"{start.location}&lang=en")
    refused = await sent(own_app, chosen, LOG_IN, email="nobody@example.com", password="wrong")

    assert "Sie melden sich für die Anwendung <strong>An app</strong> an." in asked.text
    assert "You log in for the application <strong>An app</strong>." in chosen.text
    assert "You log in for the application <strong>An app</strong>." in refused.text
    back = quote(form_of(refused.text, LOG_IN).fields["next"], safe="")
    assert f"?next={back}&amp;lang=de" in refused.text


@pytest.mark.parametrize(
    "query",
    [
        "next=https://evil.example/oauth/authorize/resume?challenge=x",
        "next=//evil.example/oauth/device",
        "next=/oauth/authorize/resume?challenge=x%26to=https://evil.example",
        "next=/oauth/authorize?client_id=x",
        "next=/oauth/logout",
        "next=/oauth/device/../logout",
        "next=/oauth/device?user_code=x%0d%0aX: y",
        "login_challenge=/../../evil",
        "login_challenge=a%20b",
        "return_to=https://evil.example/",
        "return_to=//evil.example//evil.example",
        "return_to=https://evil.example/oauth/logout",
        "return_to=https://[evil/oauth/device",
    ],
)
async def test_a_log_in_leads_to_nowhere_else(own_app: RelyingParty, query: str) -> None:
    """RFC 9700, 4.11: no open redirector."""
    shown = await own_app.visit("GET", URL(f"{LOG_IN}?{query}", encoded=True).human_repr())

    assert (shown.status, form_of(shown.text, LOG_IN).fields["next"]) == (200, "/account")


async def test_a_device_s_user_comes_back_to_its_page(registrar: Client, member: Client) -> None:
    async with await RelyingParty.register(
        registrar, authentication="none", redirect_uris=[], grant_types=[DEVICE_CODE]
    ) as device:
        begun = await ask(device)
        start = await device.visit("GET", begun["verification_uri_complete"])
        shown = await device.visit("GET", start.location)
        page = await logged_in(device, shown, member.email)
        # What claims to be the page for devices elsewhere leads to ours.
        elsewhere = quote("https://evil.example/oauth/device", safe="")
        other = await device.visit("GET", f"{LOG_IN}?return_to={elsewhere}")

    assert "You log in to connect a device." in shown.text
    assert page.location == f"/oauth/device?user_code={begun['user_code']}"
    assert other.location == "/oauth/device"


@pytest.mark.parametrize("by", ["link", "code"])
async def test_a_mail_logs_in_for_the_application(
    app: RelyingParty, client: Client, by: str
) -> None:
    await client.become_member()
    shown = await app.visit("GET", (await app.authorize()).location)
    link = re.search(r'href="(/account/log-in/mail\?[^"]*)"', shown.text)
    assert link is not None
    request = await app.visit("GET", link[1])
    assert "An app" in request.text
    sent_to = await sent(app, request, MAIL, email=client.email)
    path, code = await log_in_mail(app.system, client.email)

    if by == "link":  # in another tab, whose address says nothing of the application
        opened = await app.visit("GET", path)
        page = await sent(app, opened, CODE)
    else:
        opened = await app.visit("GET", sent_to.location)
        page = await sent(app, opened, CODE, code=code)

    assert "An app" in opened.text
    policy = opened.headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' https://app.example.com")
    asked = await app.visit("GET", page.location)
    assert "consent_challenge" in asked.parameters
    later = await app.visit("GET", CODE)  # the way back is used up
    assert form_of(later.text, CODE).fields["next"] == "/account"


async def test_the_plain_page_takes_its_place_without_console_svc(own_app: RelyingParty) -> None:
    async with (
        another_instance(own_app.system, BARONG_CONSOLE="false") as beside,
        aiohttp.ClientSession(beside.public_url("oauth")) as http,
    ):
        places = []
        for path, parameters in (("/oauth/authorize", own_app.request()), ("/oauth/device", {})):
            async with http.get(path, params=parameters, allow_redirects=False) as got:
                places.append(URL(got.headers["Location"]).path)

    assert places == ["/oauth/login", "/oauth/device/login"]


async def test_the_plain_page_says_that_it_has_no_captcha(
    own_app: RelyingParty, member: Client
) -> None:
    system = own_app.system
    start = await own_app.authorize()
    form = {
        "login_challenge": start.parameters["login_challenge"],
        "email": member.email,
        "password": PASSWORD,
    }
    async with (
        running(
            system.service(
                "identity",
                BARONG_PORT="0",
                BARONG_INTERNAL_PORT="0",
                BARONG_CAPTCHA="recaptcha",
                BARONG_RECAPTCHA_SITE_KEY="the-site-key",
                BARONG_RECAPTCHA_SECRET_KEY="the-secret-key",
            )
        ) as identity,
        another_instance(system, BARONG_IDENTITY_INTERNAL_URL=identity.internal) as beside,
        aiohttp.ClientSession(beside.public_url("oauth")) as http,
        http.post("/oauth/login", data=form, allow_redirects=False) as got,
    ):
        text = await got.text()

    assert got.status == 401
    assert "Log-ins here need a captcha, which this page does not have." in text
