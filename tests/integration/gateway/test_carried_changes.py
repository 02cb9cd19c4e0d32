"""Changes that a response announces are in force at its gateway before the client's next call.

This gateway receives no events, so that it has no other source of changes.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from shared.contracts.policy import Permission, Policy, Restriction
from tests.support.aiohttp_app import serving
from tests.support.client import Client
from tests.support.gate import Gate
from tests.support.replicas import gateway_of
from tests.support.revocations import REVOCATIONS, subject_of
from tests.support.system import Installation
from tests.support.transport import OK, Gateway, Raw, Upstream, gateway, get
from tests.support.waiting import until

TIMES = 5


@pytest.fixture(scope="module")
async def without_broker(system: Installation) -> AsyncIterator[Installation]:
    """The system, called through a gateway without a broker."""
    async with (
        Gate.before("amqp://127.0.0.1:1/") as shut,
        gateway_of(system, without={"rabbitmq"}, AMQP_URL=shut.url) as replica,
    ):
        yield replica


@asynccontextmanager
async def superadmin(system: Installation) -> AsyncIterator[Client]:
    async with Client(system) as client:
        assert (await client.log_in_as_superadmin()).status == 201
        yield client


@pytest.mark.parametrize("name", REVOCATIONS)
async def test_the_next_call_shows_the_change(without_broker: Installation, name: str) -> None:
    async with (
        superadmin(without_broker) as admin,
        Client(without_broker) as browser,
        Client(without_broker) as program,
    ):
        revocation = await REVOCATIONS[name](await subject_of(browser, admin))

        async def status() -> int:
            headers = dict(revocation.headers())
            return (await program.get(revocation.path, headers=headers)).status

        assert [await status() for _ in range(3)] == [revocation.before] * 3
        await revocation.make()
        assert await status() == revocation.after


@pytest.mark.parametrize("one", [True, False])
async def test_sessions_that_their_user_ended_are_refused(
    without_broker: Installation, one: bool
) -> None:
    """One by one, and all other sessions by a change of the password."""
    async with Client(without_broker) as browser, Client(without_broker) as other:
        await browser.become_member()
        other.email = browser.email
        await other.log_in()
        assert (await other.get("resource/users/me")).status == 200
        if one:
            listed = (await other.get("resource/sessions")).body
            mine = next(each["id"] for each in listed if each["current"])
            ended = await browser.call("DELETE", f"resource/sessions/{mine}")
            assert ended.status == 204
        else:
            form = {
                "old_password": "Tr4vel-by-night-train",
                "new_password": "An0ther-by-night-train",
                "confirm_password": "An0ther-by-night-train",
            }
            assert (await browser.call("PUT", "resource/users/password", form)).status == 201
        assert (await other.get("resource/users/me")).status == 401
        assert (await browser.get("resource/users/me")).status == 200


async def test_a_permission_decides_the_next_call(without_broker: Installation) -> None:
    async with superadmin(without_broker) as admin, Client(without_broker) as member:
        await member.become_member()
        for _ in range(TIMES):
            path = "resource/labels"
            form = {"role": "member", "verb": "get", "path": path, "action": "drop"}
            assert (await member.get(path)).status == 200
            made = await admin.post("admin/permissions", form)
            assert (await member.get(path)).status == 401
            changed = {"id": made.body["id"], "path": "resource/nothing"}
            assert (await admin.call("PUT", "admin/permissions", changed)).status == 200
            assert (await member.get(path)).status == 200
            changed["path"] = path
            assert (await admin.call("PUT", "admin/permissions", changed)).status == 200
            assert (await member.get(path)).status == 401
            gone = {"id": made.body["id"]}
            assert (await admin.call("DELETE", "admin/permissions", params=gone)).status == 204


async def test_the_call_after_a_new_audit_rule_is_audited(without_broker: Installation) -> None:
    async with superadmin(without_broker) as admin, Client(without_broker) as member:
        uid = (await member.become_member()).body["uid"]
        topic = f"t{secrets.token_hex(6)}"
        form = {"role": "member", "verb": "get", "path": "resource/phones", "action": "audit"}
        made = await admin.post("admin/permissions", {**form, "topic": topic})
        assert made.status == 201
        assert (await member.get("resource/phones")).status == 200

        async def audited() -> bool:
            answer = await admin.get("admin/activities/admin", params={"topic": topic})
            return [each["admin"]["uid"] for each in answer.body] == [uid]

        await until(audited)
        gone = {"id": made.body["id"]}
        assert (await admin.call("DELETE", "admin/permissions", params=gone)).status == 204


async def test_a_restriction_decides_the_next_call(without_broker: Installation) -> None:
    async with superadmin(without_broker) as admin, Client(without_broker) as member:
        headers = {"X-Forwarded-For": "203.0.113.77"}
        for _ in range(TIMES):
            assert (await member.get("identity/time", headers=headers)).status == 200
            form = {"category": "blacklist", "scope": "ip", "value": "203.0.113.77"}
            made = await admin.post("admin/restrictions", form)
            assert made.status == 201
            assert (await member.get("identity/time", headers=headers)).status == 401
            gone = {"id": made.body["id"]}
            assert (await admin.call("DELETE", "admin/restrictions", params=gone)).status == 204
        assert (await member.get("identity/time", headers=headers)).status == 200


async def test_no_client_gets_the_header_with_changes(without_broker: Installation) -> None:
    async with superadmin(without_broker) as admin, Client(without_broker) as member:
        await member.become_member()
        form = {"category": "whitelist", "scope": "ip", "value": "203.0.113.78"}
        made = await admin.post("admin/restrictions", form)
        answers = [await member.call("DELETE", "identity/sessions"), made]
        assert [answer.status for answer in answers] == [204, 201]
        for answer in answers:
            assert not [name for name in answer.headers if name.lower().startswith("x-barong")]
        gone = {"id": made.body["id"]}
        await admin.call("DELETE", "admin/restrictions", params=gone)


TELLING = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Barong-Changed: policy\r\n\r\nok"
ROUTES = """
- {{prefix: /ours, access: public, upstream: "{up}", trusted: true}}
- {{prefix: /theirs, access: public, upstream: "{up}"}}
"""
SHUT = Restriction("blacklist", "all", "all", 401)


@pytest.fixture
def policies() -> list[Policy]:
    return [Policy(1, ())]


@pytest.fixture
async def front(
    upstream: Upstream, tmp_path: Path, policies: list[Policy], forgotten: None
) -> AsyncIterator[Gateway]:
    routes = ROUTES.format(up=upstream.url)
    settings = {"BARONG_TRUSTED_PROXIES": ""}
    async with gateway(tmp_path, routes, settings=settings, policies=policies) as made:
        yield made


async def test_the_response_waits_for_the_policy_that_it_announces(
    front: Gateway, upstream: Upstream, policies: list[Policy]
) -> None:
    """In parts, and in order."""
    async with Raw.to(front.public) as client:
        await client.send(get("/ours/x"))
        server = await upstream.next()
        await server.head()
        policies.append(Policy(2, (), (SHUT,)))
        parts = TELLING.replace(b"Content-Length: 2", b"Content-Length: 8") + b"1"
        await server.send(parts)
        await server.send(b"23456")
        assert (await client.answer())[2] == b"ok123456"
        await client.send(get("/theirs/x"))
        assert (await client.answer())[0] == 401


@asynccontextmanager
async def a_held_policy(asked: asyncio.Event, free: asyncio.Event) -> AsyncIterator[str]:
    """An admin-svc that answers once, and after that not before `free`; `asked`: it was."""

    async def policy(request: web.Request) -> web.Response:
        if not request.query.get("known"):
            return web.json_response(Policy(1, ()).to_internal())
        asked.set()
        await free.wait()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_get("/policy", policy)
    async with serving(app) as url:
        yield url


@pytest.mark.usefixtures("forgotten")
async def test_nothing_more_is_read_while_a_response_waits(
    upstream: Upstream, tmp_path: Path
) -> None:
    """Neither the rest of it, which would fill memory, nor another one that nobody asked for."""
    asked, free = asyncio.Event(), asyncio.Event()
    routes, size = ROUTES.format(up=upstream.url), 64 * 1024 * 1024
    async with (
        a_held_policy(asked, free) as admin,
        gateway(tmp_path, routes, settings={"BARONG_ADMIN_INTERNAL_URL": admin}) as made,
        Raw.to(made.public) as client,
        Raw.to(made.public) as slow,
    ):
        servers = []
        for each in (client, slow):
            await each.send(get("/ours/x"))
            servers.append(await upstream.next())
            await servers[-1].head()
        large = TELLING.replace(b"Content-Length: 2", b"Content-Length: %d" % size)
        await servers[0].send(TELLING)
        servers[1].writer.write(large + bytes(size - 2))
        await asyncio.wait_for(asked.wait(), 30)
        await servers[0].send(OK.replace(b"ok", b"no"))
        await made.has_read()
        assert servers[1].writer.transport.get_write_buffer_size() > size // 2
        free.set()
        assert (await client.answer())[2] == b"ok"
        assert len((await slow.answer())[2]) == size
        await client.send(get("/ours/y"))
        await servers[1].head()  # the other connection is never used again
        await servers[1].send(OK)
        assert (await client.answer())[2] == b"ok"


async def test_other_upstreams_cannot_announce_changes(
    front: Gateway, upstream: Upstream, policies: list[Policy]
) -> None:
    async with Raw.to(front.public) as client:
        await client.send(get("/theirs/x"))
        server = await upstream.next()
        await server.head()
        policies.append(Policy(2, (Permission("member", "GET", "x", "ACCEPT", None),)))
        before = await front.metric("gateway_policy_age_seconds")
        await server.send(TELLING)
        _, headers, _ = await client.answer()
        assert "x-barong-changed" not in headers
        assert before < 1
        async with Raw.to(front.internal) as metrics:
            await metrics.send(get("/metrics", "Connection: close"))
            text = (await metrics.answer())[2].decode()
        counts = re.findall(r"^gateway_carried_changes_total\{.*\} (.+)$", text, re.MULTILINE)
        assert counts == ["0.0"] * 4


async def test_a_client_may_disconnect_meanwhile(
    front: Gateway, upstream: Upstream, policies: list[Policy]
) -> None:
    for _ in range(TIMES):
        async with Raw.to(front.public) as client:
            await client.send(get("/ours/x"))
            server = await upstream.next()
            await server.head()
            await server.send(TELLING)
        upstream.forget()
    async with Raw.to(front.public) as client:
        await client.send(get("/ours/x"))
        server = await upstream.next()
        await server.head()
        await asyncio.gather(server.send(OK))
        assert (await client.answer())[2] == b"ok"
