"""Documents and profiles that wait for a verdict, as reviewers see and judge them."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import aiohttp
import pytest

from tests.integration.console.test_console import staff
from tests.integration.resource.test_documents import FULL, PDF, PNG, form_of
from tests.support.client import Client
from tests.support.object_storage import S3StandIn, s3_stand_in
from tests.support.own_service import installation_with, pages_with_storage
from tests.support.pages import Pages, Shown
from tests.support.replicas import gateway_with_routes
from tests.support.system import SUPERADMIN, Installation
from tests.support.waiting import until

QUEUE, UPDATE = "/console/reviews", "admin/users/labels/update"
PICTURE = re.compile(r'<a href="([^"]*)" ([^>]*)><img class="document" src="([^"]*)"')
OWN_PICTURES = "img-src 'self' data:"


@pytest.fixture(scope="module")
async def stored(system: Installation) -> AsyncIterator[tuple[Installation, S3StandIn]]:
    """The system with a bucket that keeps documents."""
    async with s3_stand_in() as s3, pages_with_storage(system, **s3.settings) as mine:
        yield mine, s3


@pytest.fixture
async def reviewer(system: Installation) -> AsyncIterator[Pages]:
    """The superadmin, logged in at the pages."""
    async with Pages(system) as pages:
        await pages.log_in(SUPERADMIN)
        yield pages


async def upload(member: Client, filename: str = "a.png", content: bytes = PNG) -> str:
    """Uploads a document of a new member; returns their uid."""
    uid = str((await member.become_member()).body["uid"])
    form = form_of(FULL, [(filename, content)])
    assert (await member.post("resource/documents", form)).status == 201
    return uid


async def page_with(pages: Pages, path: str, text: str) -> Shown:
    """The page as soon as it has this text: the directory hears of changes by events."""

    async def shown() -> Shown | None:
        page = await pages.get(path)
        return page if page.status == 200 and text in page.html else None

    found = await until(shown)
    assert found is not None
    return found


def pictures_allowed(page: Shown) -> str:
    """What the Content-Security-Policy says of pictures."""
    rules = page.headers["Content-Security-Policy"].split("; ")
    (found,) = [rule for rule in rules if rule.startswith("img-src")]
    return found


async def test_documents_in_a_bucket_are_shown(stored: tuple[Installation, S3StandIn]) -> None:
    mine, s3 = stored
    async with Client(mine) as member, Pages(mine) as reviewer:
        uid = await upload(member)
        await reviewer.log_in(SUPERADMIN)
        for path in (f"/console/users/{uid}", f"{QUEUE}?uid={uid}"):
            page = await page_with(reviewer, path, 'class="document"')
            ((href, way, source),) = PICTURE.findall(page.html)
            assert unescape(source).startswith(f"{s3.url}/documents/document/upload/")
            assert (href, way) == (source, 'target="_blank" rel="noreferrer"')
            assert pictures_allowed(page) == f"{OWN_PICTURES} {s3.url}"
            async with aiohttp.ClientSession() as browser, browser.get(unescape(source)) as got:
                assert (got.status, await got.read()) == (200, PNG)


async def test_files_in_a_bucket_that_are_no_pictures_are_only_linked(
    stored: tuple[Installation, S3StandIn],
) -> None:
    mine, s3 = stored
    async with Client(mine) as member, Pages(mine) as reviewer:
        uid = await upload(member, "a.pdf", PDF)
        await reviewer.log_in(SUPERADMIN)
        page = await page_with(reviewer, f"/console/users/{uid}", "Download the file")
        assert re.search(rf'<a href="{s3.url}/[^"]*" target="_blank" rel="noreferrer">', page.html)
        assert pictures_allowed(page) == OWN_PICTURES


async def test_documents_of_this_site_are_shown(
    system: Installation, client: Client, reviewer: Pages
) -> None:
    uid = await upload(client)
    page = await page_with(reviewer, f"/console/users/{uid}", 'class="document"')
    ((href, way, source),) = PICTURE.findall(page.html)
    assert (href, way) == (source, "download")
    assert pictures_allowed(page) == OWN_PICTURES
    async with reviewer.http.get(unescape(source)) as got:
        assert (got.status, await got.read()) == (200, PNG)


async def test_names_and_contents_of_documents_run_nothing(client: Client, reviewer: Pages) -> None:
    script = "<script>alert(1)</script>"
    hostile = PNG + script.encode()
    uid = await upload(client, f'"><img src=x onerror=alert(1)>{script}.png', hostile)
    page = await page_with(reviewer, f"/console/users/{uid}", 'class="document"')
    assert script not in page.html
    assert "<img src=x" not in page.html
    ((_, _, source),) = PICTURE.findall(page.html)
    async with reviewer.http.get(unescape(source)) as got:
        assert await got.read() == hostile
        assert got.headers["Content-Type"] == "image/png"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert re.fullmatch(
            r'attachment; filename="[\w.-]+\.png"', got.headers["Content-Disposition"]
        )


async def test_only_the_user_of_the_address_is_shown(
    client: Client, system: Installation, reviewer: Pages
) -> None:
    """Somebody else waits, and is neither shown nor judged in the place of the named user."""
    async with Client(system) as other:
        waiting = await upload(other)
        uid = str((await client.become_member()).body["uid"])
        shown = await page_with(reviewer, f"{QUEUE}?uid={waiting}", 'id="who"')
        assert other.email in shown.text
        for named in (uid, "IDNOBODY0000"):
            page = await reviewer.get(f"{QUEUE}?uid={named}")
            assert page.status == 200
            assert "No document of this user waits for a verdict." in page.text
            assert 'id="who"' not in page.html
            assert [form.action for form in page.forms] == ["/account/log-out"]
        for named in ("", "%20", "a%26limit%3D2", "x" * 65):
            page = await reviewer.get(f"{QUEUE}?uid={named}")
            assert (page.status, 'id="who"' in page.html) == (404, False)


async def test_the_link_to_the_review_is_there_while_something_waits(
    client: Client, reviewer: Pages
) -> None:
    uid = await upload(client)
    page, link = f"/console/users/{uid}", f'href="{QUEUE}?uid={uid}"'
    await page_with(reviewer, page, link)
    judged = await reviewer.fill_in(
        f"{QUEUE}?uid={uid}", f"{QUEUE}/{uid}", verdict="verified", description="all is well"
    )
    assert "Your verdict is recorded." in judged.text
    shown = await reviewer.get(page)
    assert link not in shown.html
    assert "all is well" in shown.text
    assert "No document of this user waits" in (await reviewer.get(f"{QUEUE}?uid={uid}")).text


async def test_all_who_wait_are_reached_one_after_the_other(
    system: Installation, reviewer: Pages
) -> None:
    waiting = set()
    for _ in range(3):
        async with Client(system) as member:
            waiting.add(await upload(member))
    for uid in waiting:
        await page_with(reviewer, f"{QUEUE}?uid={uid}", 'id="who"')
    met: list[str] = []
    path = QUEUE
    while path:
        page = await reviewer.get(path)
        met += re.findall(r'id="who"><a href="/console/users/(\w+)"', page.html)
        following = re.search(r'data-key="j" href="(\?page=\d+)"', page.html)
        path = f"{QUEUE}{following[1]}" if following else ""
    assert waiting <= set(met)
    # The next one takes the place of one who was judged; after the last place comes the first.
    for place, leads_to in (("2", {"page": "2"}), ("9000", {})):
        uid = waiting.pop()
        form = (await reviewer.get(f"{QUEUE}?uid={uid}")).form(f"{QUEUE}/{uid}").fields
        verdict = {**form, "verdict": "rejected", "page": place}
        judged = await reviewer.post(f"{QUEUE}/{uid}", verdict)
        assert "Your verdict is recorded." in judged.text
        assert dict(judged.url.query) == {"done": "judged"} | leads_to
        assert 'id="who"' in judged.html
        assert uid not in judged.html


PROFILE = {
    "first_name": "Ada", "last_name": "Lovelace", "dob": "1990-12-10", "address": "1 Road",
    "postcode": "W1 1AA", "city": "London", "country": "GB", "confirm": "true",
}  # fmt: skip


async def applicant(member: Client) -> str:
    """Makes them a member with a submitted profile; returns their uid."""
    await member.become_member()
    assert (await member.post("resource/profiles", PROFILE)).status == 201
    return str((await member.get("resource/users/me")).body["uid"])


async def profiles_of(member: Client) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await member.get("resource/profiles/me")).body
    return found


async def test_a_profile_is_corrected_and_judged_beside_it(client: Client, reviewer: Pages) -> None:
    uid = await applicant(client)
    page = f"/console/users/{uid}"
    correction, verdict = f"{page}/profile/correction", f"{page}/profile"
    shown = await page_with(reviewer, page, f'action="{verdict}"')
    fields = shown.form(correction).fields
    assert {name: fields[name] for name in PROFILE if name != "confirm"} == {
        name: value for name, value in PROFILE.items() if name != "confirm"
    }
    refused = await reviewer.fill_in(page, correction, city="Paris", country="Nowhere")
    assert refused.status == 422
    assert '<p class="small">Request id' in refused.html
    assert refused.form(correction).fields["country"] == "Nowhere"
    assert "<details open>" in refused.html
    corrected = await reviewer.fill_in(page, correction, city="Paris", address="")
    assert "The user is changed." in corrected.text
    (profile,) = await profiles_of(client)
    assert (profile["city"], profile["address"] or "", profile["state"]) == (
        "Paris",
        "",
        "submitted",
    )
    judged = await reviewer.fill_in(page, verdict, verdict="verified")
    assert "Your verdict is recorded." in judged.text
    (profile,) = await profiles_of(client)
    assert (profile["city"], profile["state"]) == ("Paris", "verified")
    assert all("/profile" not in form.action for form in judged.forms)


async def test_a_rejected_profile_is_handed_in_again(client: Client, reviewer: Pages) -> None:
    """The form of the first profile does not judge the second one, which nobody has seen."""
    uid = await applicant(client)
    page = f"/console/users/{uid}"
    shown = await page_with(reviewer, page, f'action="{page}/profile"')
    form = shown.form(f"{page}/profile").fields
    await reviewer.post(f"{page}/profile", {**form, "verdict": "rejected"})
    again = {**PROFILE, "first_name": "Eve"}
    assert (await client.post("resource/profiles", again)).status == 201
    await page_with(reviewer, page, "Eve")
    late = await reviewer.post(f"{page}/profile", {**form, "verdict": "verified"})
    assert (late.status, "This has changed since you opened the page." in late.text) == (409, True)
    written = shown.form(f"{page}/profile/correction").fields
    late = await reviewer.post(f"{page}/profile/correction", written)
    assert late.status == 409
    found = await profiles_of(client)
    assert [(each["first_name"], each["state"]) for each in found] == [
        ("Ada", "rejected"),
        ("Eve", "submitted"),
    ]


async def test_documents_are_judged_beside_them(client: Client, reviewer: Pages) -> None:
    """Also a second time: a verdict may be changed."""
    uid = await upload(client)
    page = f"/console/users/{uid}"
    form = f"{page}/documents"
    await page_with(reviewer, page, f'action="{form}"')
    for verdict, reason in (("rejected", "The picture is blurred."), ("verified", "")):
        judged = await reviewer.fill_in(page, form, verdict=verdict, description=reason)
        assert "Your verdict is recorded." in judged.text
        labels = (await client.get("resource/labels")).body
        assert {each["key"]: each["value"] for each in labels}["document"] == verdict
    assert "Review them" not in judged.text


async def test_what_was_not_seen_is_not_judged(
    system: Installation, client: Client, reviewer: Pages
) -> None:
    uid = await upload(client)
    page = f"/console/users/{uid}"
    actions = {f"{page}/documents": page, f"{QUEUE}/{uid}": f"{QUEUE}?uid={uid}"}
    forms = {
        action: (await page_with(reviewer, shown, f'action="{action}"')).form(action).fields
        for action, shown in actions.items()
    }
    another = form_of(FULL | {"doc_number": "NEW-1"}, [("b.png", PNG)])
    assert (await client.post("resource/documents", another)).status == 201
    await page_with(reviewer, page, "NEW-1")
    for action, form in forms.items():
        verdict = {**form, "verdict": "verified"}
        for sent, status, told in (
            (verdict, 409, "This has changed since you opened the page."),
            ({**verdict, "seen": ""}, 409, "This has changed since you opened the page."),
            ({**verdict, "verdict": ""}, 422, "The value is not valid."),
            ({**verdict, "csrf": "x"}, 403, "This form is"),
        ):
            refused = await reviewer.post(action, sent)
            assert (refused.status, told in refused.text) == (status, True)
    labels = (await client.get("resource/labels")).body
    assert {each["key"]: each["value"] for each in labels}["document"] == "pending"
    # Another reviewer is faster.
    form = (await reviewer.get(f"{QUEUE}?uid={uid}")).form(f"{QUEUE}/{uid}").fields
    await reviewer.fill_in(page, f"{page}/documents", verdict="rejected")
    late = await reviewer.post(f"{QUEUE}/{uid}", {**form, "verdict": "verified"})
    assert late.status == 409
    assert "Somebody else has judged these documents meanwhile." in late.text
    labels = (await client.get("resource/labels")).body
    assert {each["key"]: each["value"] for each in labels}["document"] == "rejected"


async def test_only_who_may_judge_sees_the_forms(
    system: Installation, admin: Client, client: Client
) -> None:
    uid = await upload(client)
    assert (await client.post("resource/profiles", PROFILE)).status == 201
    page = f"/console/users/{uid}"
    actions = [f"{page}/documents", f"{page}/profile", f"{page}/profile/correction"]
    async with Pages(system) as compliance, Pages(system) as support:
        await staff(system, admin, compliance, "compliance")
        shown = await page_with(compliance, page, f'action="{page}/profile"')
        forms = {action: shown.form(action).fields for action in actions}
        await staff(system, admin, support, "support")
        theirs = await page_with(support, page, "Lovelace")
        (log_out,) = theirs.forms
        for action, fields in forms.items():
            sent = {**fields, "verdict": "rejected", "csrf": log_out.fields["csrf"]}
            refused = await support.post(action, sent)
            assert (refused.status, "Your role may not do this." in refused.text) == (422, True)
        assert (await profiles_of(client))[0]["state"] == "submitted"
        judged = await compliance.fill_in(page, f"{page}/profile", verdict="verified")
        assert "Your verdict is recorded." in judged.text
    assert (await profiles_of(client))[0]["state"] == "verified"


STRICT = """
- prefix: /api/v2/barong/admin/profiles
  access: required
  methods: [PUT]
  upstream: ${{BARONG_ADMIN_URL}}
  rewrite: /api/v2/admin/profiles
  scope: admin
  trusted: true
  acr: aal2
"""


async def test_a_verdict_asks_for_the_proof_that_the_route_asks_for(
    system: Installation, client: Client, tmp_path: Path
) -> None:
    uid = await applicant(client)
    page = f"/console/users/{uid}/profile"
    async with (
        gateway_with_routes(system, tmp_path, STRICT) as strict,
        installation_with(system, "console", BARONG_GATEWAY_URL=strict.gateway_url) as mine,
        Pages(mine) as reviewer,
    ):
        await reviewer.log_in(SUPERADMIN)
        await page_with(reviewer, f"/console/users/{uid}", f'action="{page}"')
        asked = await reviewer.fill_in(f"/console/users/{uid}", page, verdict="verified")
        assert asked.url.path == "/account/verification"
        assert dict(asked.url.query) == {"next": page, "acr": "aal2"}
        back = await reviewer.get(page)
        assert (back.status, back.form(page).action) == (200, page)
    assert (await profiles_of(client))[0]["state"] == "submitted"
