"""Documents and profiles that wait for a verdict, as reviewers see and judge them."""

import re
from collections.abc import AsyncIterator
from html import unescape

import aiohttp
import pytest

from tests.integration.resource.test_documents import FULL, PDF, PNG, form_of
from tests.support.client import Client
from tests.support.object_storage import S3StandIn, s3_stand_in
from tests.support.own_service import pages_with_storage
from tests.support.pages import Pages, Shown
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
