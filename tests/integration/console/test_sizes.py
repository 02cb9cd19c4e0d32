"""The first load of pages that show as much as there may be."""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator

import aio_pika
import pytest

from shared.contracts.activities import MAX_USER_AGENT
from shared.contracts.topology import WEBHOOKS
from shared.messaging.broker import connected, declare_topology
from tests.support.client import Client
from tests.support.internal import tables_of_identity, tables_of_webhooks
from tests.support.pages import Pages
from tests.support.staff import promote
from tests.support.system import Installation
from webhooks_svc.endpoints.models import MAX_DESCRIPTION, MAX_URL

MOST_BYTES = 60_000
SESSIONS = ENDPOINTS = 100
LETTERS = 25
_PART = re.compile(r'(?:href|src)="(/console-static/[^"]+)"')
MORE_SESSIONS = """
    INSERT INTO sessions (
        sid, key, csrf_digest, uid, user_agent, address, network, expires_at, absolute_expires_at
    )
    SELECT gen_random_uuid(), gen_random_uuid(), '', sessions.uid, repeat('x', $2),
        '2001:db8:1111:2222:3333:4444:5555:6666', network, sessions.expires_at, absolute_expires_at
    FROM sessions JOIN users USING (uid), generate_series(1, $3) AS n
    WHERE email = $1 AND sid = (
        SELECT sid FROM sessions JOIN users USING (uid) WHERE email = $1
        ORDER BY sessions.created_at LIMIT 1
    )
"""
MORE_ENDPOINTS = """
    INSERT INTO endpoints (url, description, events, state, secret)
    SELECT rpad('https://example.com/of-a-test-of-sizes/' || n || '/', $1, 'x'), repeat('"', $2),
        events, 'disabled', secret
    FROM endpoints, generate_series(1, $3 - (SELECT count(*)::int FROM endpoints)) AS n
    WHERE id = $4
"""


async def first_load(pages: Pages, path: str) -> tuple[int, str]:
    """The bytes of a page, of its files and of all headers, as a browser gets them; its text."""
    size, text = await fetched(pages, path)
    for part in set(_PART.findall(text)):
        size += (await fetched(pages, part))[0]
    return size, text


async def fetched(pages: Pages, path: str) -> tuple[int, str]:
    async with pages.http.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status == 200
        text = await answer.text()
        head = sum(len(name) + len(value) + 4 for name, value in answer.raw_headers)
        # Files come compressed: the length is that of what came.
        return head + int(answer.headers.get("Content-Length", len(text.encode()))), text


@pytest.fixture(scope="module")
async def superadmin(system: Installation, admin: Client) -> AsyncIterator[Pages]:
    """Somebody of that role."""
    async with Client(system) as person, Pages(system) as made:
        await promote(admin, person, "superadmin")
        await made.log_in(person.email)
        yield made


async def test_a_page_of_a_hundred_sessions(pages: Pages, client: Client) -> None:
    await client.become_member()
    async with tables_of_identity(client.system) as tables:
        await tables.execute(MORE_SESSIONS, client.email, MAX_USER_AGENT, SESSIONS - 2)
    await pages.log_in(client.email)
    page, seen = "/account/sessions", set()
    for number in range(1, 6):
        size, text = await first_load(pages, f"{page}?page={number}")
        assert size < MOST_BYTES
        assert ('rel="next"' in text) is (number < 5)
        assert f'action="{page}/others"' in text
        seen |= set(re.findall(r'name="id" value="([^"]+)"', text))
    assert len(seen) == SESSIONS - 1  # all but this one
    last = await pages.get(f"{page}?page=5")
    ended = await pages.send(last, page, {})
    assert (ended.url.query["page"], "The session has ended." in ended.text) == ("5", True)


async def test_pages_of_a_hundred_endpoints(superadmin: Pages, admin: Client) -> None:
    page = "/console/webhooks"
    form = {"url": "http://127.0.0.1:9/of-a-test-of-sizes/", "events": "model.label.*"}
    one = (await admin.post("admin/webhooks", form)).body
    async with tables_of_webhooks(superadmin.system) as tables:
        try:
            await tables.execute(MORE_ENDPOINTS, MAX_URL, MAX_DESCRIPTION, ENDPOINTS, one["id"])
            seen: set[str] = set()
            for number in range(1, 11):
                size, text = await first_load(superadmin, f"{page}?page={number}")
                assert size < MOST_BYTES
                assert ('rel="next"' in text) is (number < 10)
                seen |= set(re.findall(rf"{page}/([0-9]+)/deliveries", text))
            assert len(seen) == ENDPOINTS
            size, text = await first_load(superadmin, f"{page}/{max(seen, key=int)}/deliveries")
            assert size < MOST_BYTES
            assert "/of-a-test-of-sizes/" in text  # there it is whole
            assert len(max(re.findall("x+", text), key=len)) > 1000
            last = await superadmin.get(f"{page}?page=10")
            removed = await superadmin.send(last, f"{page}/{max(seen, key=int)}/removal", {})
            assert removed.url.query["page"] == "10"
        finally:
            await tables.execute("DELETE FROM endpoints WHERE url LIKE '%/of-a-test-of-sizes/%'")


async def test_a_page_of_dead_letters(superadmin: Pages, admin: Client) -> None:
    user = (await admin.get("resource/users/me")).body
    event = {"name": "model.user.updated", "record": user, "changes": user, "much": '"' * 9000}
    claims = json.dumps({"event": event, "iat": 1_790_000_000}).encode()
    body = json.dumps({"payload": urlsafe_b64encode(claims).decode().rstrip("=")}).encode()
    url = superadmin.system.environments["webhooks"]["AMQP_URL"]
    page = f"/console/dead-letters/{WEBHOOKS.queue}"
    async with connected(url, "tests") as connection:
        channel = await connection.channel(publisher_confirms=True)
        await declare_topology(channel)
        try:
            for number in range(LETTERS):
                letter = aio_pika.Message(body, message_id=f"{number}-of-sizes", type="x" * 200)
                await channel.default_exchange.publish(letter, WEBHOOKS.dead_letters)
            size, text = await first_load(superadmin, page)
            assert size < MOST_BYTES
            ids = set(re.findall(r'name="id" value="([^"]+)"', text))
            assert len(ids) == LETTERS
            (wanted, *_) = ids
            size, text = await first_load(superadmin, f"{page}/contents?id={wanted}")
            assert size < MOST_BYTES
            assert "model.user.updated" in text
            assert "Only the beginning is shown." in text
            assert (await superadmin.get(f"{page}/contents?id=nothing")).status == 404
        finally:
            await (await channel.get_queue(WEBHOOKS.dead_letters, ensure=False)).purge()
