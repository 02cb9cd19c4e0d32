"""The pages of an account in Chromium: every page, in both languages and at two widths."""

import asyncio
import os
import re
import secrets

import pytest
from playwright.async_api import FilePayload, expect

from tests.interop.pages.conftest import DESKTOP, PHONE, Visitor, Windows
from tests.support.authenticator import Authenticator, forget_used_codes
from tests.support.client import Client
from tests.support.system import PASSWORD, ROOT, Installation

pytestmark = pytest.mark.xdist_group("browser")

OPEN = (
    "/account/sign-up",
    "/account/log-in",
    "/account/log-in/mail",
    "/account/log-in/code",
    "/account/log-in/code?log_in_token=x",
    "/account/forgotten-password",
    "/account/confirmation-mail",
    "/accounts/confirmation?confirmation_token=x",
    "/accounts/password_reset?reset_token=x",
    "/accounts/email_change?email_change_token=x",
    "/accounts/email_reversal?email_reversal_token=x",
    "/account/no-such-page",
)
OWN = (
    "/account",
    "/account/profile",
    "/account/phones",
    "/account/documents",
    "/account/email",
    "/account/verification?next=/account/email",
    "/account/password",
    "/account/second-factor",
    "/account/recovery-codes",
    "/account/passkeys",
    "/account/trusted-devices",
    "/account/linked-accounts",
    "/account/applications",
    "/account/sessions",
    "/account/api-keys",
    "/account/activity",
    "/account/data",
    "/account/deletion",
    "/account/log-out",
)
LOOKS = [("en", "light"), ("de", "dark")]
"""Languages do not change colours, nor colours texts: two looks have all of both."""
PLACE = ROOT / "docs" / "operators" / "pictures"
PICTURES = {
    ("/account/log-in", "phone", "de"): "log-in.png",
    ("/account", "desktop", "en"): "account.png",
    ("/console", "desktop", "en"): "console.png",
    ("/console/reviews", "desktop", "en"): "reviews.png",
}
"""What `make screenshots` writes for the documentation."""


@pytest.mark.parametrize(("language", "colors"), LOOKS)
async def test_axe_finds_nothing_on_any_page(
    windows: Windows, client: Client, language: str, colors: str
) -> None:
    await client.become_member()
    context, visitor = await windows.open(language, color_scheme=colors)
    found = await judged(visitor, OPEN, language)
    await log_in(visitor, client.email)
    found |= await judged(visitor, OWN, language)
    await context.close()
    assert not found
    assert not visitor.faults


async def test_axe_finds_nothing_on_what_forms_show_once(windows: Windows, client: Client) -> None:
    """A QR code, recovery codes, a new key, lists with something in them, faults; in the dark."""
    uid = str((await client.become_member()).body["uid"])
    await client.post("resource/phones", {"phone_number": f"+38067{secrets.randbelow(10**7):07}"})
    context, visitor = await windows.open(color_scheme="dark")
    page, faults = visitor.page, []
    await log_in(visitor, client.email)
    await page.goto("/account/second-factor")
    await visitor.submit("Set it up")
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    faults += await visitor.judge_at_both_widths()
    secret = (await page.locator("#secret").inner_text()).replace(" ", "")
    authenticator = Authenticator(secret)
    await visitor.submit("Turn the second factor on", code=authenticator.wrong_code())
    await expect(page.get_by_role("alert")).to_be_visible()
    faults += await visitor.judge_at_both_widths()
    await visitor.submit("Turn the second factor on", code=authenticator.code(-1))
    await expect(page.get_by_role("status")).to_contain_text("Your second factor is on.")
    faults += await visitor.judge_at_both_widths()
    await page.goto("/account/api-keys")
    await forget_used_codes(client, uid)
    await visitor.submit("Make the key", totp_code=authenticator.code())
    await expect(page.get_by_role("status")).to_contain_text("Its secret is shown only now")
    await page.get_by_text("Change or delete").click()
    faults += await visitor.judge_at_both_widths()
    await page.goto("/account/phones")
    await expect(page.get_by_role("button", name="Verify")).to_be_visible()
    faults += await visitor.judge_at_both_widths()
    await context.close()
    assert not faults
    assert not visitor.faults


FOCUS = """() => {
  const shown = [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter((each) => each.type !== "hidden" && each.checkVisibility());
  return [shown.indexOf(document.activeElement), shown.length];
}"""
"""Which of all that takes the keyboard has it, from 0, and how many there are."""


async def test_the_keyboard_reaches_everything_in_its_order(
    windows: Windows, client: Client
) -> None:
    await client.become_member()
    context, visitor = await windows.open()
    page = visitor.page
    await log_in(visitor, client.email)
    for path in ("/account/documents", "/account/profile"):
        await page.goto(path)
        await visitor.settle()
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        (at, number) = await page.evaluate(FOCUS)
        assert (at, number > 20) == (0, True)
        for wanted in range(1, number):
            while at < wanted:  # a date has several parts
                await page.keyboard.press("Tab")
                reached, _ = await page.evaluate(FOCUS)
                assert reached in (at, wanted)
                at = reached
    await page.reload()
    await visitor.settle()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#content")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.locator("#first_name")).to_be_focused()
    await page.keyboard.type("Ada")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Your profile is saved as a draft.")
    await context.close()
    assert not visitor.faults


WATCH_PROGRESS = """() => {
  window.progress = [];
  const bar = document.querySelector("progress");
  new MutationObserver(() => progress.push([bar.hidden, bar.value, bar.max]))
    .observe(bar, { attributes: true });
}"""


async def test_an_upload_shows_its_progress_and_its_refusal(
    windows: Windows, client: Client
) -> None:
    await client.become_member()
    context, visitor = await windows.open()
    page = visitor.page
    await log_in(visitor, client.email)
    await page.goto("/account/documents")
    await visitor.settle()
    file = FilePayload(name="a.png", mimeType="image/png", buffer=PNG.ljust(300_000, b"x"))
    await page.locator("[name='upload[]']").set_input_files(file)
    await page.evaluate(WATCH_PROGRESS)
    await visitor.submit("Upload", doc_number="AB123", doc_expire="1999-01-01")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.locator("progress")).to_be_hidden()
    await expect(page.get_by_role("button", name="Upload")).to_be_enabled()
    seen = await page.evaluate("progress")
    shown = [(value, most) for hidden, value, most in seen if not hidden and most > 1]
    assert shown, seen
    assert shown == sorted(shown)
    assert shown[-1][0] == shown[-1][1] > 300_000
    await visitor.submit("Upload", doc_expire="2099-01-01")
    await expect(page.get_by_role("status")).to_contain_text("Your document is uploaded.")
    await context.close()
    assert not visitor.faults


async def judged(visitor: Visitor, paths: tuple[str, ...], language: str) -> dict[str, list[str]]:
    """What is wrong with pages, by address and width."""
    found = {}
    for path in paths:
        await visitor.page.goto(path)
        if await visitor.page.locator("html").get_attribute("lang") != language:
            found[path] = ["in another language"]
        for width, size in (("phone", PHONE), ("desktop", DESKTOP)):
            await visitor.page.set_viewport_size(size)
            picture = PICTURES.get((path, width, language))
            if picture and "BARONG_RECORD_SCREENSHOTS" in os.environ:
                PLACE.mkdir(exist_ok=True)
                await visitor.page.emulate_media(color_scheme="light")
                await visitor.page.screenshot(path=PLACE / picture)
            if faults := await visitor.judge():
                found[f"{path} {size['width']}"] = faults
    return found


async def log_in(visitor: Visitor, email: str) -> None:
    await visitor.page.goto("/account/log-in")
    await visitor.page.locator("[name=email]").fill(email)
    await visitor.page.locator("[name=password]").fill(PASSWORD)
    await visitor.page.locator("main form button").first.click()
    await expect(visitor.page).to_have_url(re.compile(r"/account$"))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_from_the_sign_up_to_a_log_in_with_a_second_factor(
    windows: Windows, system: Installation, scripts: bool
) -> None:
    context, visitor = await windows.open(java_script_enabled=scripts, viewport=PHONE)
    page = visitor.page
    person = Client(system)
    person.email = f"pages-{scripts}@example.com".lower()
    await page.goto("/account/sign-up")
    await visitor.submit("Sign up", email=person.email, password=PASSWORD)
    await expect(page.get_by_role("status")).to_contain_text("We sent you a mail")
    await page.goto(f"/accounts/confirmation?confirmation_token={await person.mailed_token()}")
    await visitor.submit("Confirm")
    await expect(page.get_by_role("status")).to_contain_text("Your address is confirmed.")

    await page.goto("/account/profile")
    await visitor.submit("Save as a draft", first_name="Ada", last_name="King", country="Utopia")
    await expect(page.get_by_role("alert")).to_contain_text("The country is a code")
    await expect(page.locator("[name=first_name]")).to_have_value("Ada")
    await visitor.submit("Submit for review", country="GB")
    await expect(page.get_by_role("status")).to_contain_text("submitted for review")

    await page.goto("/account/documents")
    await page.locator("[name='upload[]']").set_input_files(
        FilePayload(name="a.png", mimeType="image/png", buffer=PNG)
    )
    await visitor.submit("Upload", doc_number="AB123", doc_expire="2099-01-01")
    await expect(page.get_by_role("status")).to_contain_text("Your document is uploaded.")
    await expect(page.get_by_role("cell", name="AB123")).to_be_visible()

    await page.goto("/account/second-factor")
    await visitor.submit("Set it up")
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    secret = (await page.locator("#secret").inner_text()).replace(" ", "")
    await visitor.submit("Turn the second factor on", code=Authenticator(secret).code())
    await expect(page.get_by_role("status")).to_contain_text("Your second factor is on.")

    await page.goto("/account/recovery-codes")
    await visitor.submit("Make ten codes")
    await expect(page.get_by_role("status")).to_contain_text("shown only now")
    if scripts:
        assert not await visitor.judge()
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="Save them as a file").click()
    file = await (await saved.value).path()
    codes = (await asyncio.to_thread(file.read_text)).split()
    assert codes == await page.locator("#codes code").all_inner_texts()

    await page.goto("/account/api-keys")
    await visitor.submit("Make the key", totp_code=Authenticator(secret).code(1))
    await expect(page.get_by_role("status")).to_contain_text("Its secret is shown only now")

    await page.goto("/account/sessions")
    await expect(page.get_by_text("this one")).to_be_visible()
    await visitor.submit("Log out")
    await expect(page.get_by_role("status")).to_contain_text("You are logged out.")
    await visitor.submit("Log in", email=person.email, password=PASSWORD)
    await expect(page.get_by_role("alert")).to_contain_text("authenticator app, too")
    await expect(page.locator("[name=email]")).to_have_value(person.email)
    await page.get_by_text("I have lost my authenticator app").click()
    await visitor.submit("Log in", password=PASSWORD, recovery_code=codes[0])
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    await context.close()
    assert not visitor.faults


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
