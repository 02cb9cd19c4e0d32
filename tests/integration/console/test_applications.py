"""Applications that a member allowed something, by the pages of their account."""

from tests.integration.console.test_credentials import confirmed
from tests.support.client import Client
from tests.support.pages import Pages
from tests.support.relying_party import RelyingParty
from tests.support.system import PASSWORD, Installation

PAGE = "/account/applications"


async def test_what_an_application_may_do_is_shown_and_taken_back(
    pages: Pages, system: Installation
) -> None:
    await confirmed(pages)
    assert "You have not allowed any application" in (await pages.get(PAGE)).text
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()
        registered = await RelyingParty.register(
            admin, name="<b>Photos", scopes=["openid", "email", "photos:read"]
        )
    async with registered as application:
        asked = {"scope": "openid email photos:read"}
        code = await application.code(pages.email, PASSWORD, **asked)
        status, tokens = await application.redeem(code)
        assert status == 200

        shown = await pages.get(PAGE)
        for text in ("<b>Photos", "who you are", "your e-mail address", "photos:read"):
            assert text in shown.text
        assert "<b>Photos" not in shown.html
        for reference in ("somebody-elses", "..", "a/b", ""):
            assert (await pages.fill_in(PAGE, reference=reference)).status == 404
        assert (await application.userinfo(tokens["access_token"]))[0] == 200

        after = await pages.fill_in(PAGE)
        assert "The application may not see or do anything for you any more." in after.text
        assert "You have not allowed any application" in after.text
        assert (await application.userinfo(tokens["access_token"]))[0] == 401
