"""Calls between services: what comes of every answer, and of none."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from aiohttp import ClientTimeout, web
from yarl import URL

from shared.clients.admin import AdminClient
from shared.clients.identity import IdentityClient
from shared.clients.internal_api import InternalApi, segment
from shared.clients.resource import ResourceClient
from shared.contracts.events import Event
from shared.contracts.labels import PrivateLabels
from shared.contracts.policy import Permission, Policy
from shared.contracts.sessions import ResolvedSession
from shared.contracts.users import User
from shared.crypto.key_ring import KeyRing
from shared.errors import Invalid, NotFound, Refusal, Throttled, Unavailable
from shared.tokens.service import ServiceTokens
from tests.unit.shared.builders import KEYS, listening

RING = KeyRing.parse(KEYS)
TOKENS = ServiceTokens("mailer-svc", RING)
NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
USER = User(
    uid="ID1",
    email="user@example.com",
    role="member",
    level=1,
    otp=False,
    state="active",
    referral_uid=None,
    data='{"language": "de"}',
    created_at=NOW,
    updated_at=NOW,
    version=3,
)


async def any_answer(request: web.Request) -> web.StreamResponse:
    """What the path asks for."""
    match request.match_info["what"]:
        case "echo":
            token = request.headers["Authorization"].removeprefix("Bearer ")
            caller = ServiceTokens("identity-svc", RING).verify(token, {"mailer-svc"})
            body = await request.json() if request.can_read_body else None
            return web.json_response(
                {"caller": caller, "id": request.headers.get("X-Request-Id"), "body": body}
            )
        case "slow":
            await asyncio.sleep(60)
            return web.Response()
        case "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        case "elsewhere":
            raise web.HTTPFound("/echo/200")
        case _:
            return web.Response(
                text=request.query["body"],
                status=int(request.match_info["status"]),
                content_type=request.query.get("type", "application/json"),
            )


@pytest.fixture
async def address() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{what}/{status}", any_answer)
    async with listening(app) as made:
        yield made


@pytest.fixture
async def api(address: str) -> AsyncIterator[InternalApi]:
    client = InternalApi(address + "/", "identity-svc", TOKENS)
    async with client.opened():
        yield client


async def test_a_call_proves_who_calls_and_carries_the_request_id(api: InternalApi) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        said = await api.call("POST", "/echo/200", {"a": 1})

    assert said == {"caller": "mailer-svc", "id": "r1", "body": {"a": 1}}
    assert (await api.call("GET", "/echo/200"))["id"] is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/say/200?body={}", {}),
        ("/say/201?body=[1]", [1]),
        ("/say/204?body=", None),
        ('/say/404?body={"errors": ["user.gone"]}', NotFound(["user.gone"])),
        ('/say/422?body={"errors": ["a", "b"]}', Invalid(["a", "b"])),
        ('/say/404?body={"error": "Route is not found"}', Unavailable("identity-svc")),
        ("/say/404?body=[]", Unavailable("identity-svc")),
        ("/say/404?body=", Unavailable("identity-svc")),
        ("/say/422?body=", Unavailable("identity-svc")),
        ('/say/422?body={"error": "x"}', Unavailable("identity-svc")),
        ('/say/422?body="errors"', Unavailable("identity-svc")),
        ('/say/401?body={"errors": ["service_token.invalid"]}', Unavailable("identity-svc")),
        ('/say/403?body={"errors": ["x"]}', Unavailable("identity-svc")),
        ('/say/429?body={"errors": ["x"]}', Throttled(1)),
        ('/say/500?body={"errors": ["x"]}', Unavailable("identity-svc")),
        ("/say/500?body=oops&type=text/plain", Unavailable("identity-svc")),
        ("/say/200?body=no json", Unavailable("identity-svc")),
        ("/say/200?body={}&type=text/html", Unavailable("identity-svc")),
        ("/elsewhere/302", Unavailable("identity-svc")),
        ("/cut/200", Unavailable("identity-svc")),
    ],
)
async def test_every_answer_is_a_record_or_a_refusal(
    api: InternalApi, path: str, expected: Any
) -> None:
    if not isinstance(expected, Refusal):
        assert await api.call("GET", path) == expected
        return
    with pytest.raises(type(expected)) as raised:
        await api.call("GET", path)

    assert (raised.type, raised.value.codes) == (type(expected), expected.codes)


async def test_a_connection_that_leads_to_another_program_is_dropped() -> None:
    connections: dict[object, bool] = {}

    async def answer(request: web.Request) -> web.Response:
        """The first connection leads to a program that knows no such route."""
        known = connections.setdefault(request.transport, bool(connections))
        return web.json_response({}) if known else web.json_response({}, status=404)

    app = web.Application()
    app.router.add_get("/policy", answer)
    async with listening(app) as address:
        client = InternalApi(address, "admin-svc", TOKENS)
        async with client.opened():
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await client.call("GET", "/policy")
            for _ in range(5):
                assert await client.call("GET", "/policy") == {}

    assert len(connections) == 3  # the last one is kept


@pytest.mark.parametrize(
    ("method", "repeatable", "arrives"), [("GET", False, 2), ("POST", True, 2), ("POST", False, 1)]
)
async def test_a_kept_connection_that_closes_at_the_moment_of_a_call(
    method: str, repeatable: bool, arrives: int
) -> None:
    """As those of a pod that ends. A call that may arrive twice is made again."""
    calls: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        """Each connection gets one answer, and then ends with the next call."""
        assert request.transport is not None
        calls.append(request.transport)
        if calls.count(request.transport) > 1:
            request.transport.abort()
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/", answer)
    async with listening(app) as address:
        client = InternalApi(address, "identity-svc", TOKENS)
        async with client.opened():
            assert await client.call(method, "/", repeatable=repeatable) == {}
            calls_before = len(calls)
            if arrives == 2:
                assert await client.call(method, "/", repeatable=repeatable) == {}
            else:
                with pytest.raises(Unavailable):
                    await client.call(method, "/", repeatable=repeatable)
    assert len(calls) - calls_before == arrives


@pytest.mark.parametrize("text", ["x", "\N{PENGUIN}é", "broken \udc80", "a\x00b"])
async def test_any_text_arrives_as_it_was(api: InternalApi, text: str) -> None:
    assert (await api.call("POST", "/echo/200", {"text": text}))["body"] == {"text": text}


async def test_a_service_that_hangs_is_unavailable(address: str) -> None:
    timeout = ClientTimeout(total=0.05)
    hasty = InternalApi(address, "identity-svc", TOKENS, timeout=timeout)
    async with hasty.opened(), asyncio.timeout(30):  # less than it hangs
        with pytest.raises(Unavailable):
            await hasty.call("GET", "/slow/200")


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    absent = InternalApi("http://127.0.0.1:1", "identity-svc", TOKENS)
    with pytest.raises(Unavailable):
        await absent.call("GET", "/")
    async with absent.opened():
        with pytest.raises(Unavailable):
            await absent.call("GET", "/")
    with pytest.raises(Unavailable):
        await absent.call("GET", "/")


@pytest.mark.parametrize("value", ["a/b", "../x", "...", "a?b#c", "%2F", "%2E%2E", "é"])
def test_a_value_stays_one_segment_of_a_path(value: str) -> None:
    assert URL(f"http://h/users/{segment(value)}/x").parts == ("/", "users", value, "x")


@pytest.mark.parametrize("value", ["", ".", "..", "{}", "a{", "}"])
def test_what_no_path_can_carry_is_not_found(value: str) -> None:
    with pytest.raises(NotFound):
        segment(value)


SESSION = ResolvedSession(
    sid="s1",
    user=USER,
    csrf_digest="c",
    user_agent="Firefox",
    network="10.0.0.0/16",
    expires_at=NOW,
    token="jwt",
    token_expires_at=NOW,
)
POLICY = Policy(4, (Permission("member", "GET", "/x", "ACCEPT", None),))
LABELS = PrivateLabels("ID1", 2, {"email": "verified"})


async def inside(request: web.Request) -> web.Response:
    """Answers as the three services do."""
    body: Any = await request.json() if request.can_read_body else None
    match (request.method, request.raw_path.strip("/").split("/")):
        case ("GET", [".well-known", "jwks.json"]):
            return web.json_response({"keys": []})
        case ("POST", ["sessions", "resolve"]):
            return web.json_response(SESSION.to_internal())
        case ("DELETE", ["sessions", "s%2F1"]):
            return web.Response(status=204)
        case ("GET", ["users", "ID1"]):
            return web.json_response(USER.to_internal())
        case ("PUT", ["users", "ID1", "labels"]):
            assert body == LABELS.to_internal()
            return web.json_response(USER.to_internal())
        case ("POST", ["events", "sign"]):
            return web.json_response({"messages": [event["id"] for event in body["events"]]})
        case ("GET", ["policy"]):
            return web.json_response(POLICY.to_internal())
        case ("PUT", ["users", "ID1", "labels", "a%20b"]):
            assert body == {"value": "v"}
            return web.json_response(LABELS.to_internal())
        case ("PUT", ["users"]):
            assert body == {"user": USER.to_internal()}
            return web.json_response({"labels": []})
    raise web.HTTPNotFound


async def test_clients_give_what_services_answer() -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", inside)
    events = [Event(id=uuid.UUID(int=n), name="x.y", record={"n": n}) for n in range(3)]
    async with listening(app) as url:
        identity, admin = IdentityClient(url, TOKENS), AdminClient(url, TOKENS)
        resource = ResourceClient(url, TOKENS)
        async with identity.opened(), admin.opened(), resource.opened():
            assert await identity.jwks() == {"keys": []}
            assert await identity.resolve_session("key") == SESSION
            await identity.revoke_session("s/1")
            assert await identity.user("ID1") == USER
            assert await identity.apply_labels(LABELS) == USER
            assert await identity.sign(events) == [str(event.id).encode() for event in events]
            assert await admin.policy_other_than(None) == POLICY
            assert await resource.put_private_label("ID1", "a b", "v") == LABELS
            assert await resource.attachments(USER) == {"labels": []}


def test_a_user_stands_in_events_as_the_specification_says() -> None:
    assert USER.to_event().published() == {
        "uid": "ID1",
        "email": "user@example.com",
        "role": "member",
        "level": 1,
        "otp": False,
        "state": "active",
        "referral_uid": None,
        "created_at": "2026-11-22T10:00:00Z",
        "updated_at": "2026-11-22T10:00:00Z",
    }
    assert User.of(USER.to_internal()) == USER
