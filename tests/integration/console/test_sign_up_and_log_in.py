"""Sign-up, confirmation, log-in and log-out by the pages, as a browser without JavaScript."""

import re

import pytest
from yarl import URL

from tests.support.client import Client
from tests.support.pages import Pages
from tests.support.system import PASSWORD, SUPERADMIN, Installation


async def test_from_the_sign_up_to_the_log_out(pages: Pages) -> None:
    signed_up = await pages.sign_up()
    assert (signed_up.status, signed_up.url.path) == (200, "/account")
    assert "We sent you a mail" in signed_up.text
    assert pages.email in signed_up.text
    assert "pending" in signed_up.text
    token = await pages.mailed_token()
    confirmed = await pages.fill_in(f"/accounts/confirmation?confirmation_token={token}")
    assert confirmed.url.path == "/account"
    assert "Your address is confirmed." in confirmed.text
    assert "active" in confirmed.text
    left = await pages.fill_in("/account/log-out")
    assert (left.url.path, left.url.query["done"]) == ("/account/log-in", "logged_out")
    assert (await pages.get("/account")).url.path == "/account/log-in"
    back = await pages.fill_in(
        "/account/log-in?next=/account/sessions",
        "/account/log-in",
        email=pages.email,
        password=PASSWORD,
    )
    assert back.url.path == "/account/sessions"


async def test_the_link_of_the_mail_leads_to_the_page(pages: Pages, system: Installation) -> None:
    await pages.sign_up()
    await pages.mailed_token()
    mail = (system.mail / f"{pages.email}.eml").read_text().replace("=\n", "").replace("=3D", "=")
    link = re.search(r"https?://[^/]+(/accounts/confirmation\?\S+)", mail)
    assert link is not None
    shown = await pages.get(link[1])
    assert shown.status == 200
    assert "Confirm your address" in shown.text
    used = await pages.fill_in(link[1])
    assert used.url.path == "/account"
    again = await pages.fill_in(link[1])
    assert again.status == 422
    assert "This link was used already." in again.text


async def test_opening_the_link_uses_nothing_up(pages: Pages) -> None:
    await pages.sign_up()
    page = f"/accounts/confirmation?confirmation_token={await pages.mailed_token()}"
    for _ in range(3):
        assert (await pages.get(page)).status == 200
    assert (await pages.fill_in(page)).url.path == "/account"


async def test_a_refused_form_keeps_what_was_typed_but_no_password(pages: Pages) -> None:
    typed = f'"><script>alert(1)</script>{pages.email}'
    shown = await pages.fill_in("/account/sign-up", email=typed, password="short-secret")
    assert shown.status == 422
    assert "This is not an e-mail address." in shown.text
    assert "The password does not meet the requirements." in shown.text
    assert shown.form("/account/sign-up").fields["email"] == typed
    assert "<script>alert" not in shown.html
    assert "short-secret" not in shown.html
    assert shown.headers["X-Request-Id"] in shown.text


@pytest.mark.parametrize(
    ("email", "password"), [(SUPERADMIN, "wrong"), ("nobody@example.com", PASSWORD), ("", "")]
)
async def test_a_wrong_log_in_tells_nothing(pages: Pages, email: str, password: str) -> None:
    shown = await pages.log_in(email, password)
    assert shown.status == 422
    assert "The e-mail address or the password is wrong." in shown.text
    assert "WWW-Authenticate" not in shown.headers


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "https://evil.example/account", "/account/../../evil", "/\\evil.example",
        "javascript:alert(1)", "/accountx", "/account/log-out", "/account/\r\nX: y",
    ],
)  # fmt: skip
async def test_a_log_in_leads_only_to_pages_of_ours(
    pages: Pages, system: Installation, wanted: str
) -> None:
    await pages.log_in(SUPERADMIN)
    shown = await pages.get("/account/log-in", params={"next": wanted}, allow_redirects=False)
    assert shown.status == 303
    place = shown.headers["Location"]
    assert place == "/account" or place == "/account/../../evil"
    assert (await pages.get("/account/log-in", params={"next": wanted})).url.host == "127.0.0.1"


async def test_a_session_of_the_api_is_one_of_the_pages(system: Installation) -> None:
    async with Client(system) as client, Pages(system) as pages:
        await client.become_member()
        pages.http.cookie_jar.update_cookies(
            {"_barong_session": client.cookie}, URL(system.gateway_url)
        )
        assert client.email in (await pages.get("/account")).text


@pytest.mark.parametrize("field", ["absent", "blank", "foreign", "long", "of another visitor"])
async def test_a_form_needs_its_token(pages: Pages, system: Installation, field: str) -> None:
    shown = await pages.get("/account/sign-up")
    form = shown.form("/account/sign-up").fields | {"email": pages.email, "password": PASSWORD}
    async with Pages(system) as other:
        theirs = (await other.get("/account/sign-up")).form("/account/sign-up").fields["csrf"]
    tokens = {"blank": "", "foreign": "0" * 64, "long": "0" * 5000, "of another visitor": theirs}
    if field == "absent":
        del form["csrf"]
    else:
        form["csrf"] = tokens[field]
    refused = await pages.post("/account/sign-up", form)
    assert refused.status == 403
    assert "This form is too old" in refused.text
    assert (await pages.log_in(pages.email)).status == 422  # nobody was signed up


async def test_a_form_of_a_member_needs_the_token_of_the_session(pages: Pages) -> None:
    anonymous = (await pages.get("/account/log-in")).form("/account/log-in").fields["csrf"]
    await pages.sign_up()
    refused = await pages.post("/account/log-out", {"csrf": anonymous})
    assert refused.status == 403
    assert (await pages.get("/account")).url.path == "/account"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(pages: Pages, headers: dict[str, str]) -> None:
    form = (await pages.get("/account/log-in")).form("/account/log-in").fields
    sent = {**form, "email": SUPERADMIN, "password": PASSWORD}
    refused = await pages.post("/account/log-in", sent, headers=headers)
    assert refused.status == 403
    assert (await pages.get("/account")).url.path == "/account/log-in"


async def test_every_page_has_its_headers(pages: Pages) -> None:
    for path in ("/account/log-in", "/account/no-such-page"):
        headers = (await pages.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"


async def test_an_unknown_page_says_so(pages: Pages) -> None:
    shown = await pages.get("/account/no-such-page")
    assert shown.status == 404
    assert "There is no such page." in shown.text
    assert shown.headers["X-Request-Id"] in shown.text


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"csrf=%FF%FE", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
        (b"a=" + b"x" * 200_000, "application/x-www-form-urlencoded", 413),
        (b"", "application/x-www-form-urlencoded", 403),
    ],
)
async def test_what_is_no_form_is_refused(
    pages: Pages, body: bytes, content_type: str, status: int
) -> None:
    shown = await pages.post("/account/log-in", body, headers={"Content-Type": content_type})
    assert shown.status == status
    assert "Request" in shown.text or "request id" in shown.text


async def test_the_gateway_sees_the_visitor_and_not_console_svc(
    pages: Pages, system: Installation
) -> None:
    """The session is bound to the visitor's browser and network, which the API shows."""
    headers = {"X-Forwarded-For": "203.0.113.7"}
    async with Pages(system, **headers) as visitor:
        await visitor.sign_up()
        shown = (await visitor.get("/account/sessions")).text
    assert "203.0.113.7" in shown
    assert "Firefox/115.0" in shown


@pytest.mark.parametrize("cookie", ["", "_barong_session=x"], ids=["no session", "an ended one"])
async def test_a_page_says_nothing_before_it_is_known_who_visits(
    system: Installation, cookie: str
) -> None:
    """Pages call the API before that is known."""
    async with Pages(system, Cookie=cookie) as pages:
        for path in (
            "/account/sessions",
            "/console/activities/users?from=x",
            "/console/users/~",
            "/console/users?level=x",
            "/console/webhooks/x/deliveries",
        ):
            shown = await pages.get(path)
            assert (shown.status, shown.url.path) == (200, "/account/log-in"), path
