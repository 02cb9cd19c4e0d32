"""Forms that need a captcha, with a stand-in for reCAPTCHA, as a browser without JavaScript."""

from collections.abc import AsyncIterator

import pytest

from tests.support.captcha_stand_in import SECRET_KEY, CaptchaStandIn, captcha_stand_in
from tests.support.own_service import pages_of
from tests.support.pages import Pages
from tests.support.system import PASSWORD, Installation

FORMS = {
    "/account/sign-up": ("/account", {"password": PASSWORD}),
    "/account/log-in": ("/account", {"password": PASSWORD}),
    "/account/forgotten-password": ("/account/log-in", {}),
    "/account/confirmation-mail": ("/account/log-in", {}),
    "/account/log-in/mail": ("/account/log-in/code", {}),
}
"""Where each form leads, and what it needs beside the address."""


@pytest.fixture(scope="module")
async def stand_in() -> AsyncIterator[CaptchaStandIn]:
    async with captcha_stand_in() as made:
        yield made


@pytest.fixture(scope="module")
async def guarded(system: Installation, stand_in: CaptchaStandIn) -> AsyncIterator[Installation]:
    """The system with reCAPTCHA."""
    settings = {
        "BARONG_CAPTCHA": "recaptcha",
        "BARONG_RECAPTCHA_URL": stand_in.url,
        "BARONG_RECAPTCHA_SITE_KEY": "the-site-key",
        "BARONG_RECAPTCHA_SECRET_KEY": SECRET_KEY,
    }
    async with pages_of(system, **settings) as made:
        yield made


@pytest.fixture
async def visitor(guarded: Installation) -> AsyncIterator[Pages]:
    async with Pages(guarded) as made:
        yield made


@pytest.mark.parametrize("page", FORMS)
async def test_a_form_shows_the_widget_and_may_load_it(visitor: Pages, page: str) -> None:
    shown = await visitor.get(page)
    assert 'class="g-recaptcha" data-sitekey="the-site-key"' in shown.html
    assert '<script src="https://www.google.com/recaptcha/api.js" async defer>' in shown.html
    assert "This form needs JavaScript for its captcha." in shown.text
    policy = shown.headers["Content-Security-Policy"]
    assert "script-src 'self' https://www.google.com/recaptcha/" in policy
    assert "frame-src https://www.google.com/recaptcha/" in policy
    assert "unsafe" not in policy


async def test_other_pages_load_nothing_of_it(visitor: Pages, pages: Pages) -> None:
    for shown in (
        await visitor.get("/accounts/confirmation?confirmation_token=x"),
        await visitor.get("/accounts/password_reset?reset_token=x"),
        await pages.get("/account/sign-up"),  # where no captcha is configured
    ):
        assert "recaptcha" not in shown.html
        assert "google" not in shown.headers["Content-Security-Policy"]


@pytest.mark.parametrize("page", FORMS)
async def test_a_form_is_taken_with_a_solved_captcha(
    visitor: Pages, pages: Pages, stand_in: CaptchaStandIn, page: str
) -> None:
    if page != "/account/sign-up":
        visitor.email = pages.email
        await pages.sign_up()  # where no captcha is configured
    place, typed = FORMS[page]
    typed = {**typed, "email": visitor.email}
    missing = await visitor.fill_in(page, **typed)
    assert (missing.status, "Please solve the captcha." in missing.text) == (400, True)
    assert missing.form(page).fields["email"] == visitor.email
    assert "the-site-key" in missing.html
    wrong = await visitor.fill_in(page, **typed, **{"g-recaptcha-response": "junk"})
    assert wrong.status == 422
    assert "The captcha was not solved. Please try again." in wrong.text
    assert "junk" not in wrong.html
    token = stand_in.token()
    taken = await visitor.fill_in(page, **typed, **{"g-recaptcha-response": token})
    assert (taken.status, taken.url.path) == (200, place)
    again = await visitor.post(page, {"csrf": taken.forms[0].fields["csrf"]})
    assert again.status in (400, 403, 422)  # nothing is taken twice
