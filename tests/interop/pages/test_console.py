"""The administrators' console in Chromium: every page, in both languages and at two widths."""

import json
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator

import aio_pika
import aiohttp
import pytest
from playwright.async_api import expect

from shared.contracts.topology import MAILER
from shared.messaging.broker import connected
from tests.interop.pages.conftest import PHONE, Windows
from tests.interop.pages.passport import WIDTH, passport
from tests.interop.pages.test_account import LOOKS, judged, log_in
from tests.support.client import Client
from tests.support.object_storage import s3_stand_in
from tests.support.own_service import pages_with_storage
from tests.support.staff import promote
from tests.support.system import PASSWORD, SUPERADMIN, Installation
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("browser")

PAGES = (
    "/console",
    "/console/users",
    "/console/users?q=example&state=active",
    "/console/reviews",
    "/console/permissions",
    "/console/permissions?role=support&verb=GET&path=api/v2/barong/admin/users",
    "/console/restrictions",
    "/console/activities/users",
    "/console/activities/administrators",
    "/console/webhooks",
    "/console/dead-letters",
    "/console/dead-letters/mailer-svc",
    "/console/signing-keys",
)

PROFILE = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "dob": "1990-12-10",
    "address": "1 Road",
    "postcode": "W1 1AA",
    "city": "London",
    "country": "GB",
    "confirm": "true",
}
LOAD = """([source, picture]) => new Promise((resolve) => {
  addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
  const made = document.createElement(picture ? "img" : "script");
  made.addEventListener("load", () => resolve("loaded"));
  made.src = source;
  document.body.append(made);
})"""
"""Loads a picture or a script; tells which directive of the page forbids it."""


@pytest.fixture(scope="module")
async def applicants(system: Installation) -> list[Client]:
    """Two members whose documents and profiles wait for a review; nobody else's documents do."""
    await empty_the_queue(system)
    made = []
    for _ in range(2):
        async with Client(system) as member:
            await upload_passport(member)
            assert (await member.post("resource/profiles", PROFILE)).status == 201
            made.append(member)
    return made


async def upload_passport(member: Client) -> None:
    """Makes them a member, whose passport waits for a review."""
    await member.become_member()
    form = aiohttp.FormData()
    for name, value in {"doc_type": "Passport", "doc_number": "AB1"}.items():
        form.add_field(name, value)
    form.add_field("doc_expire", "2099-01-01")
    form.add_field("upload", passport(), filename="passport.png", content_type="image/png")
    assert (await member.post("resource/documents", form)).status == 201  # type: ignore[arg-type]


async def empty_the_queue(system: Installation) -> None:
    """Judges the documents of other tests. Not all of them are pictures that Chromium can show.

    Somebody else than the superadmin does it: nobody judges documents of their own.
    """
    async with Client(system) as superadmin, Client(system) as admin:
        await superadmin.log_in_as_superadmin()
        await promote(superadmin, admin, "superadmin")

        async def empty() -> bool:
            waiting = (await admin.get("admin/users/documents/pending")).body
            for user in waiting:
                verdict = {"uid": user["uid"], "key": "document", "value": "rejected"}
                await admin.post("admin/users/labels/update", verdict | {"scope": "private"})
            return not waiting

        await until(empty, 60)


async def wait_for(system: Installation, *emails: str) -> None:
    """Returns when all of them are in the queue."""
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()

        async def waiting() -> bool:
            found = (await admin.get("admin/users/documents/pending")).body
            return set(emails) <= {user["email"] for user in found}

        await until(waiting)


@pytest.fixture(scope="module")
async def endpoint(system: Installation) -> AsyncIterator[str]:
    """The id of an endpoint with a delivery, which never arrives."""
    form = {"url": "http://127.0.0.1:9/hook", "events": "model.label.updated"}
    async with Client(system) as admin, Client(system) as member:
        await admin.log_in_as_superadmin()
        own = str((await admin.post("admin/webhooks", form)).body["id"])
        await member.become_member()
        await member.post("resource/labels", {"key": "axe", "value": "yes"})
        await member.call("PATCH", "resource/labels/axe", {"value": "not"})

        async def waits() -> bool:
            return bool((await admin.get(f"admin/webhooks/{own}/deliveries")).body)

        await until(waits)
        yield own
        await admin.call("DELETE", f"admin/webhooks/{own}", {})


@pytest.fixture(scope="module")
async def letter(system: Installation) -> AsyncIterator[str]:
    """The id of a dead letter of mailer-svc."""
    own = secrets.token_hex(8)
    event = json.dumps({"event": {"name": "model.user.updated"}, "iat": 1_790_000_000}).encode()
    body = json.dumps({"payload": urlsafe_b64encode(event).decode().rstrip("=")}).encode()
    message = aio_pika.Message(body, message_id=own, type="model.user.updated")
    async with connected(system.environments["mailer"]["AMQP_URL"], "tests") as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.default_exchange.publish(message, MAILER.dead_letters)
    yield own
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()
        await admin.call("DELETE", "admin/dead_letters/mailer-svc", {"id": own})


@pytest.mark.parametrize(("language", "colors"), LOOKS)
async def test_axe_finds_nothing_on_any_page(
    windows: Windows,
    system: Installation,
    applicants: list[Client],
    endpoint: str,
    letter: str,
    language: str,
    colors: str,
) -> None:
    await wait_for(system, *(each.email for each in applicants))
    uid = await applicant_uid(system, applicants[0])
    context, visitor = await windows.open(language, color_scheme=colors)
    await visitor.page.goto("/account/log-in?next=/console")
    await visitor.page.locator("[name=email]").fill(SUPERADMIN)
    await visitor.page.locator("[name=password]").fill(PASSWORD)
    await visitor.page.locator("main form button").first.click()
    await expect(visitor.page).to_have_url(re.compile(r"/console$"))
    more = (
        f"/console/users/{uid}",
        f"/console/webhooks/{endpoint}/deliveries",
        f"/console/dead-letters/mailer-svc/contents?id={letter}",
    )
    found = await judged(visitor, (*PAGES, *more), language)
    await context.close()
    assert not found
    assert not visitor.faults


async def test_who_has_no_console_is_told(windows: Windows, client: Client) -> None:
    await client.become_member()
    context, visitor = await windows.open()
    await log_in(visitor, client.email)
    found = await judged(visitor, ("/console", "/console/users"), "en")
    await expect(visitor.page.locator(".reasons")).to_have_text("Your role may not do this.")
    await context.close()
    assert not found
    assert not visitor.faults


async def applicant_uid(system: Installation, member: Client) -> str:
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()
        (user,) = (await admin.get("admin/users", params={"email": member.email})).body
        return str(user["uid"])


async def test_the_queue_is_judged_by_keys(
    windows: Windows, system: Installation, applicants: list[Client]
) -> None:
    emails = [each.email for each in applicants]
    await wait_for(system, *emails)
    context, visitor = await windows.open()
    page = visitor.page
    await page.goto("/account/log-in?next=/console/reviews")
    await visitor.submit("Log in", email=SUPERADMIN, password=PASSWORD)
    heading = page.locator("#who")
    picture = page.get_by_role("img", name="Picture of the document")
    first = await heading.inner_text()
    await expect(picture).to_have_js_property("naturalWidth", WIDTH)
    await visitor.settle()
    await page.keyboard.press("j")
    await expect(heading).not_to_have_text(first)
    await visitor.settle()
    await page.keyboard.press("k")
    await expect(heading).to_have_text(first)
    await expect(picture).to_have_js_property("naturalWidth", WIDTH)
    await visitor.settle()
    await page.keyboard.press("a")
    await expect(page.get_by_role("status").first).to_contain_text("Your verdict is recorded.")
    await visitor.settle()
    await page.locator("[name=description]").fill("a blurred jar")  # letters, while it is typed
    await page.locator("[name=description]").blur()
    second = await heading.inner_text()
    # The notice of the first verdict is still there, so that it says nothing of the second one.
    async with page.expect_response(lambda answer: answer.request.method == "POST"):
        await page.keyboard.press("r")
    await context.close()
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()
        for email, verdict in ((first, "verified"), (second, "rejected")):
            (user,) = (await admin.get("admin/users", params={"email": email})).body
            shown = (await admin.get(f"admin/users/{user['uid']}")).body
            (label,) = [each for each in shown["labels"] if each["key"] == "document"]
            assert label["value"] == verdict
    assert not visitor.faults


async def test_a_key_that_is_held_down_judges_one_user(
    windows: Windows, system: Installation
) -> None:
    await empty_the_queue(system)
    async with Client(system) as one, Client(system) as other:
        for member in (one, other):
            await upload_passport(member)
        await wait_for(system, one.email, other.email)
    context, visitor = await windows.open()
    page = visitor.page
    await page.goto("/account/log-in?next=/console/reviews")
    await visitor.submit("Log in", email=SUPERADMIN, password=PASSWORD)
    heading = page.locator("#who")
    first = await heading.inner_text()
    await visitor.settle()
    verdicts: list[str] = []
    page.on("request", lambda sent: verdicts.append(sent.url) if sent.method == "POST" else None)
    await page.keyboard.down("a")
    await expect(page.get_by_role("status").first).to_contain_text("Your verdict is recorded.")
    await expect(heading).not_to_have_text(first)
    await visitor.settle()
    second = await heading.inner_text()
    for _ in range(3):  # what a browser says of a key that is still down
        await page.keyboard.down("a")
    await page.keyboard.up("a")
    await page.reload()
    await expect(heading).to_have_text(second)
    assert len(verdicts) == 1
    await visitor.settle()
    async with page.expect_response(lambda answer: answer.request.method == "POST"):
        await page.keyboard.press("a")  # as a key that is pressed again does
    await context.close()
    assert not visitor.faults


async def test_documents_and_profiles_are_judged_beside_them(
    windows: Windows, system: Installation
) -> None:
    async with Client(system) as member:
        await upload_passport(member)
        assert (await member.post("resource/profiles", PROFILE)).status == 201
        await wait_for(system, member.email)
        context, visitor = await windows.open("de")
        page = visitor.page
        place = f"/console/users/{await applicant_uid(system, member)}"
        await page.goto(f"/account/log-in?next={place}")
        await page.locator("[name=email]").fill(SUPERADMIN)
        await page.locator("[name=password]").fill(PASSWORD)
        await page.locator("main form button").first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(member.email)
        await page.locator(f"form[action='{place}/profile']").wait_for()
        await page.locator(f"details:has(form[action='{place}/profile/correction'])").click()
        assert not await visitor.judge_at_both_widths()
        verdicts: list[str] = []
        page.on(
            "request", lambda sent: verdicts.append(sent.url) if sent.method == "POST" else None
        )
        reason = page.locator("#reason")
        await reason.fill("It is all there.")
        await reason.press("Enter")  # which is none of the two verdicts
        for form, button in (("documents", "verified"), ("profile", "rejected")):
            await page.locator(f"form[action='{place}/{form}'] button[value={button}]").click()
            await expect(page.locator(".notice")).to_be_visible()
            await expect(page).to_have_url(re.compile("done=judged"))
            await visitor.settle()
            await page.goto(place)
        assert [each.rpartition("/")[2] for each in verdicts] == ["documents", "profile"]
        labels = (await member.get("resource/labels")).body
        values = {each["key"]: each["value"] for each in labels}
        assert (values["document"], values["profile"]) == ("verified", "rejected")
        await context.close()
        assert not visitor.faults


async def test_a_picture_in_a_bucket_is_shown(windows: Windows, system: Installation) -> None:
    async with s3_stand_in() as s3, pages_with_storage(system, **s3.settings) as mine:
        async with Client(mine) as member:
            await upload_passport(member)
        await wait_for_user(mine, member.email)
        context, visitor = await windows.open(base_url=mine.gateway_url)
        page = visitor.page
        await page.goto(f"/account/log-in?next=/console/users/{await applicant_uid(mine, member)}")
        await visitor.submit("Log in", email=SUPERADMIN, password=PASSWORD)
        picture = page.get_by_role("img", name="Picture of the document")
        await expect(picture).to_have_js_property("naturalWidth", WIDTH)
        assert (await picture.get_attribute("src") or "").startswith(f"{s3.url}/")
        assert not await visitor.judge()
        assert not visitor.faults
        # Nothing else of the bucket, and nothing of another origin, may be loaded.
        for source, directive in (
            ("http://127.0.0.1:9/a.png", "img-src"),
            (f"{s3.url}/documents/a.js", "script-src-elem"),
        ):
            blocked = await page.evaluate(LOAD, [source, directive == "img-src"])
            assert blocked == directive
        await context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_restriction_is_tried_before_it_is_saved(windows: Windows, scripts: bool) -> None:
    context, visitor = await windows.open(viewport=PHONE, java_script_enabled=scripts)
    page = visitor.page
    await page.goto("/account/log-in?next=/console/restrictions")
    await visitor.submit("Log in", email=SUPERADMIN, password=PASSWORD)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Restrictions")
    await page.locator("#category").select_option("blacklist")
    await page.locator("#scope").select_option("ip_subnet")
    await page.locator("#value").fill("127.0.0.0/8")
    await page.locator("#value").press("Enter")  # tries it, and saves nothing
    await expect(page.get_by_role("status")).to_contain_text("This would lock you out.")
    await expect(page.locator("#value")).to_have_value("127.0.0.0/8")
    await expect(page.locator("#category")).to_have_value("blacklist")
    if scripts:
        assert not await visitor.judge()

    value = f"192.0.2.{160 + scripts}"
    await page.get_by_text("Try it for another caller, too").click()
    await page.locator("#caller_address").fill(value)
    await page.locator("#value").fill(f"{value}/32")
    await page.locator("#state").select_option("disabled")
    await page.get_by_role("button", name="Would this lock me out?").click()
    await expect(page.get_by_role("status")).to_contain_text("This would not lock you out.")
    await expect(page.get_by_role("status")).to_contain_text(f"{value}: is refused")
    await page.get_by_role("button", name="Add it").click()
    await expect(page.get_by_role("status")).to_contain_text("The restriction is added.")
    await expect(page.locator("code").filter(has_text=f"{value}/32")).to_be_visible()
    await context.close()
    assert not visitor.faults


async def test_a_user_s_sessions_are_ended(
    windows: Windows, system: Installation, client: Client
) -> None:
    await client.become_member()
    await wait_for_user(system, client.email)
    theirs, member = await windows.open()
    await log_in(member, client.email)
    context, visitor = await windows.open(viewport=PHONE)
    page = visitor.page
    await page.goto("/account/log-in?next=/console")
    await visitor.submit("Log in", email=SUPERADMIN, password=PASSWORD)
    await expect(page.get_by_role("heading", level=1)).to_have_text("What happened")
    await page.goto(f"/console/users/{await applicant_uid(system, client)}")
    assert not await visitor.judge()
    await page.get_by_role("button", name="End all sessions").click()
    await expect(page.get_by_role("status")).to_contain_text("All sessions of the user have ended.")
    await expect(page.get_by_role("button", name="End all sessions")).to_be_hidden()
    await member.page.goto("/account")
    await expect(member.page).to_have_url(re.compile("/account/log-in"))
    await theirs.close()
    await context.close()
    assert not visitor.faults


async def test_users_are_found_while_one_types(
    windows: Windows, system: Installation, applicants: list[Client]
) -> None:
    email = applicants[0].email
    await wait_for_user(system, email)
    context, visitor = await windows.open()
    page = visitor.page
    await page.goto("/account/log-in?next=/console/users")
    await visitor.submit("Log in", email=SUPERADMIN, password=PASSWORD)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    await visitor.settle()
    await page.locator("#q").press_sequentially(email)
    await expect(page.get_by_role("status")).to_have_text("1 user")
    await expect(page).to_have_url(re.compile("q="))
    await page.reload()
    await expect(page.get_by_role("cell", name=email)).to_be_visible()
    await context.close()
    assert not visitor.faults


async def wait_for_user(system: Installation, email: str) -> None:
    """Returns when the directory has them."""
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()

        async def known() -> bool:
            return bool((await admin.get("admin/users", params={"email": email})).body)

        await until(known)
