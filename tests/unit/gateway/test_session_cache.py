"""The session cache: concurrent lookups are shared, and outdated answers are not returned."""

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from authz_gateway.authn import lookup_cache
from authz_gateway.authn.api_keys import ApiKeyCache
from authz_gateway.authn.sessions import SessionCache
from authz_gateway.authz.policy import CurrentPolicy
from authz_gateway.subscriptions import Subscriptions
from authz_gateway.upstream.websocket import WebSockets
from shared.contracts.api_keys import SigningKey
from shared.contracts.events import ReceivedEvent
from shared.contracts.policy import Policy
from shared.contracts.sessions import ResolvedSession, UserToken, session_key
from shared.errors import NotFound, Unavailable
from tests.unit.gateway.builders import a_session, a_user, access_tokens


@dataclass
class Identity:
    """Stands for identity-svc: sessions by cookie and `sid`; answers once `open` is set."""

    sessions: dict[str, ResolvedSession] = field(default_factory=dict)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    asked: Counter[str] = field(default_factory=Counter)
    down: bool = False

    def __post_init__(self) -> None:
        self.open.set()

    async def resolve_session(self, key: str) -> ResolvedSession:
        return await self._answer({session_key(name): name for name in self.sessions}.get(key, ""))

    async def resolve_session_by_sid(self, sid: str) -> ResolvedSession:
        of_sid = {session.sid: name for name, session in self.sessions.items()}
        return await self._answer(of_sid.get(sid, ""))

    async def take_in_network(self, sid: str, address: str) -> ResolvedSession:
        session = await self.resolve_session_by_sid(sid)
        bound = replace(session, other_network=f"{address}/64")
        self.sessions = {
            name: bound if each.sid == sid else each for name, each in self.sessions.items()
        }
        return bound

    async def revoke_session(self, sid: str) -> None:
        self.sessions = {
            name: session for name, session in self.sessions.items() if session.sid != sid
        }

    async def _answer(self, cookie: str) -> ResolvedSession:
        self.asked[cookie] += 1
        self.reached.set()
        session = self.sessions.get(cookie)  # as it was when the request arrived
        await self.open.wait()
        if self.down:
            raise Unavailable("identity-svc")
        if session is None:
            raise NotFound
        return session


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


class Unused:
    async def policy_other_than(self, known: int | None) -> Policy | None:
        raise AssertionError

    async def api_key(self, kid: str) -> SigningKey:
        raise AssertionError

    async def user_token(self, uid: str) -> UserToken:
        raise AssertionError


def a_cache(identity: Identity, clock: Clock | None = None, capacity: int = 100) -> SessionCache:
    return SessionCache(identity, CollectorRegistry(), capacity=capacity, clock=clock or Clock())


async def test_concurrent_lookups_ask_once() -> None:
    identity = Identity({"c": a_session()})
    sessions = a_cache(identity)
    identity.open.clear()
    calls = [asyncio.create_task(sessions.by_cookie("c")) for _ in range(20)]
    await asyncio.sleep(0)
    identity.open.set()
    assert await asyncio.gather(*calls) == [identity.sessions["c"]] * 20
    assert await sessions.by_cookie("c") == identity.sessions["c"]
    assert identity.asked["c"] == 1


async def test_cancelling_one_lookup_does_not_cancel_the_others() -> None:
    identity = Identity({"c": a_session()})
    sessions = a_cache(identity)
    identity.open.clear()
    first = asyncio.create_task(sessions.by_cookie("c"))
    await asyncio.sleep(0)
    second = asyncio.create_task(sessions.by_cookie("c"))
    await asyncio.sleep(0)
    first.cancel()
    identity.open.set()
    assert await second == identity.sessions["c"]
    assert identity.asked["c"] == 1


@pytest.mark.parametrize(
    ("name", "left", "held"),
    [("token_expires_at", 60, 5.0), ("token_expires_at", 13, 3.0), ("expires_at", 2, 2.0)],
)
async def test_a_session_is_cached_only_while_it_is_valid(
    name: str, left: int, held: float
) -> None:
    clock = Clock()
    identity = Identity({"c": a_session(**{name: datetime.now(UTC) + timedelta(seconds=left)})})
    sessions = a_cache(identity, clock)
    await sessions.by_cookie("c")
    clock.seconds = held - 0.5
    await sessions.by_cookie("c")
    assert identity.asked["c"] == 1
    clock.seconds = held
    await sessions.by_cookie("c")
    assert identity.asked["c"] == 2


async def test_a_token_near_its_expiry_is_not_cached() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=9)
    identity = Identity({"c": a_session(token_expires_at=soon)})
    sessions = a_cache(identity)
    assert await sessions.by_cookie("c") is not None
    assert await sessions.by_cookie("c") is not None
    assert identity.asked["c"] == 2


async def test_not_found_is_cached_briefly() -> None:
    clock = Clock()
    identity = Identity()
    sessions = a_cache(identity, clock)
    assert [await sessions.by_cookie("c") for _ in range(3)] == [None] * 3
    assert identity.asked[""] == 1
    clock.seconds = lookup_cache.NEGATIVE_SECONDS
    identity.sessions["c"] = a_session()
    assert await sessions.by_cookie("c") is not None


async def test_invented_cookies_do_not_evict_sessions() -> None:
    identity = Identity({"c": a_session()})
    sessions = SessionCache(
        identity, CollectorRegistry(), capacity=1, negative_capacity=5, clock=Clock()
    )
    await sessions.by_cookie("c")
    for number in range(50):
        assert await sessions.by_cookie(f"invented-{number}") is None
    await sessions.by_cookie("c")
    assert identity.asked["c"] == 1


async def test_the_cache_has_a_capacity() -> None:
    identity = Identity({f"c{n}": a_session(sid=f"sid-{n}") for n in range(4)})
    sessions = a_cache(identity, capacity=3)
    for number in range(4):
        await sessions.by_cookie(f"c{number}")
    await sessions.by_cookie("c3")
    await sessions.by_cookie("c0")
    assert identity.asked == {"c0": 2, "c1": 1, "c2": 1, "c3": 1}


async def test_unavailable_identity_is_not_cached() -> None:
    identity = Identity({"c": a_session()}, down=True)
    sessions = a_cache(identity)
    with pytest.raises(Unavailable):
        await sessions.by_cookie("c")
    identity.down = False
    assert await sessions.by_cookie("c") is not None


async def test_a_revoked_session_is_dropped_at_once() -> None:
    identity = Identity({"c": a_session()})
    sessions = a_cache(identity)
    assert await sessions.by_cookie("c")
    assert await sessions.by_sid("sid-1")
    await sessions.revoke("sid-1")
    assert await sessions.by_cookie("c") is None
    assert await sessions.by_sid("sid-1") is None


USER = {"uid": "ID1"}
EVENTS = [
    ("system.session.revoked", {"user": USER, "sid": "sid-1"}),
    ("system.session.revoked", {"user": USER, "sid": None}),
    ("model.user.updated", USER),
    ("system.user.password.change", {"user": USER, "domain": "x"}),
    ("system.user.password.reset", {"user": USER, "domain": "x"}),
]


async def deliver(sessions: SessionCache, name: str, record: dict[str, object]) -> None:
    unused = Unused()
    registry = CollectorRegistry()
    api_keys = ApiKeyCache(unused, unused, registry)
    subscriptions = Subscriptions(
        CurrentPolicy(unused), sessions, api_keys, access_tokens(), WebSockets(registry)
    )
    if name == "missed":
        await subscriptions.on_missed_events()
        return
    await subscriptions.on_event(
        ReceivedEvent(
            id=uuid.uuid4(),
            name=name,
            record=record,
            changes={},
            snapshot={},
            issued_at=datetime.now(UTC),
        )
    )


@pytest.mark.parametrize(("name", "record"), [*EVENTS, ("missed", {})])
async def test_an_event_invalidates_a_session(name: str, record: dict[str, object]) -> None:
    identity = Identity({"c": a_session()})
    sessions = a_cache(identity)
    await sessions.by_cookie("c")
    await sessions.by_sid("sid-1")
    identity.sessions["c"] = a_session(user=a_user(role="admin"))
    await deliver(sessions, name, record)
    for session in (await sessions.by_cookie("c"), await sessions.by_sid("sid-1")):
        assert session is not None
        assert session.user.role == "admin"


@pytest.mark.parametrize(("name", "record"), [*EVENTS, ("missed", {})])
async def test_an_event_during_a_lookup(name: str, record: dict[str, object]) -> None:
    """The answer was made before the change and arrives after the event."""
    identity = Identity({"c": a_session()})
    sessions = a_cache(identity)
    identity.open.clear()
    call = asyncio.create_task(sessions.by_cookie("c"))
    await identity.reached.wait()
    del identity.sessions["c"]
    await deliver(sessions, name, record)
    late = asyncio.create_task(sessions.by_cookie("c"))
    identity.open.set()
    assert await call is None
    assert await late is None
    assert await sessions.by_cookie("c") is None


async def test_events_about_others_invalidate_nothing() -> None:
    identity = Identity({"c": a_session()})
    sessions = a_cache(identity)
    identity.open.clear()
    call = asyncio.create_task(sessions.by_cookie("c"))
    await identity.reached.wait()
    await deliver(sessions, "model.user.updated", {"uid": "ID2"})
    await deliver(sessions, "system.session.revoked", {"user": USER, "sid": "sid-2"})
    identity.open.set()
    assert await call is not None
    await deliver(sessions, "model.user.updated", {"uid": "ID2"})
    await sessions.by_cookie("c")
    assert identity.asked["c"] == 1
