"""The cache of API keys: keys and owners are cached briefly, and dropped when they change."""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from prometheus_client import CollectorRegistry

from authz_gateway.authn.api_keys import ApiKeyCache
from authz_gateway.authn.lookup_cache import MAX_AGE_SECONDS
from authz_gateway.authn.sessions import SessionCache
from authz_gateway.authz.policy import CurrentPolicy
from authz_gateway.subscriptions import Subscriptions
from authz_gateway.upstream.websocket import WebSockets
from shared.contracts.api_keys import SigningKey
from shared.contracts.events import ReceivedEvent
from shared.contracts.sessions import UserToken
from shared.errors import NotFound, Unavailable
from tests.unit.gateway.builders import a_key, access_tokens, an_owner

V = TypeVar("V")


@dataclass
class Others:
    """Stands for resource-svc and identity-svc; answers once `open` is set."""

    keys: dict[str, SigningKey] = field(default_factory=lambda: {"kid-1": a_key()})
    owners: dict[str, UserToken] = field(default_factory=lambda: {"ID1": an_owner()})
    open: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)
    down: bool = False

    def __post_init__(self) -> None:
        self.open.set()

    async def api_key(self, kid: str) -> SigningKey:
        return await self._answer(kid, self.keys.get(kid))

    async def user_token(self, uid: str) -> UserToken:
        return await self._answer(uid, self.owners.get(uid))

    async def _answer(self, name: str, found: V | None) -> V:
        self.asked.append(name)
        self.reached.set()
        await self.open.wait()
        if self.down:
            raise Unavailable("resource-svc")
        if found is None:
            raise NotFound
        return found


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def a_cache(others: Others, clock: Clock | None = None) -> ApiKeyCache:
    return ApiKeyCache(others, others, CollectorRegistry(), clock=clock or Clock())


async def test_concurrent_lookups_ask_once() -> None:
    others = Others()
    cache = a_cache(others)
    others.open.clear()
    keys = [asyncio.create_task(cache.by_kid("kid-1")) for _ in range(20)]
    owners = [asyncio.create_task(cache.owner("ID1")) for _ in range(20)]
    await asyncio.sleep(0)
    others.open.set()
    assert await asyncio.gather(*keys) == [a_key()] * 20
    assert await asyncio.gather(*owners) == [others.owners["ID1"]] * 20
    assert sorted(others.asked) == ["ID1", "kid-1"]


async def test_keys_and_owners_are_cached_briefly() -> None:
    others, clock = Others(), Clock()
    cache = a_cache(others, clock)
    for seconds in (0.0, MAX_AGE_SECONDS - 0.1, MAX_AGE_SECONDS):
        clock.seconds = seconds
        assert await cache.by_kid("kid-1")
        assert await cache.owner("ID1")
    assert others.asked == ["kid-1", "ID1"] * 2


async def test_unknown_keys_and_owners_are_none() -> None:
    cache = a_cache(Others({}, {}))
    assert await cache.by_kid("kid-1") is None
    assert await cache.owner("ID1") is None


async def test_unavailability_is_not_cached() -> None:
    others = Others(down=True)
    cache = a_cache(others)
    for ask in (cache.by_kid("kid-1"), cache.owner("ID1")):
        with pytest.raises(Unavailable):
            await ask
    others.down = False
    assert await cache.by_kid("kid-1")
    assert await cache.owner("ID1")


class Unused:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


async def deliver(cache: ApiKeyCache, name: str, record: dict[str, object]) -> None:
    unused: Any = Unused()
    registry = CollectorRegistry()
    sessions = SessionCache(unused, registry)
    subscriptions = Subscriptions(
        CurrentPolicy(unused), sessions, cache, access_tokens(), WebSockets(registry)
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


OF_KEY: dict[str, object] = {"user": {"uid": "ID1"}, "kid": "kid-1"}
EVENTS_OF_KEYS: list[tuple[str, dict[str, object]]] = [
    ("model.api_key.updated", OF_KEY),
    ("model.api_key.deleted", OF_KEY),
    ("model.user.updated", {"uid": "ID1"}),
    ("missed", {}),
]
EVENTS_OF_OWNERS = EVENTS_OF_KEYS[2:]


@pytest.mark.parametrize(("name", "record"), EVENTS_OF_KEYS)
async def test_an_event_invalidates_a_key(name: str, record: dict[str, object]) -> None:
    others = Others()
    cache = a_cache(others)
    await cache.by_kid("kid-1")
    others.keys["kid-1"] = a_key(state="inactive")
    await deliver(cache, name, record)
    assert await cache.by_kid("kid-1") == a_key(state="inactive")


@pytest.mark.parametrize(("name", "record"), EVENTS_OF_OWNERS)
async def test_an_event_invalidates_an_owner(name: str, record: dict[str, object]) -> None:
    others = Others()
    cache = a_cache(others)
    await cache.owner("ID1")
    others.owners["ID1"] = changed = an_owner(otp=False)
    await deliver(cache, name, record)
    assert await cache.owner("ID1") == changed


@pytest.mark.parametrize(("name", "record"), EVENTS_OF_KEYS)
async def test_an_event_during_the_lookup_of_a_key(name: str, record: dict[str, object]) -> None:
    others = Others()
    cache = a_cache(others)
    others.open.clear()
    call = asyncio.create_task(cache.by_kid("kid-1"))
    await others.reached.wait()
    del others.keys["kid-1"]
    await deliver(cache, name, record)
    others.open.set()
    assert await call is None


@pytest.mark.parametrize(("name", "record"), EVENTS_OF_OWNERS)
async def test_an_event_during_the_lookup_of_an_owner(name: str, record: dict[str, object]) -> None:
    others = Others()
    cache = a_cache(others)
    others.open.clear()
    call = asyncio.create_task(cache.owner("ID1"))
    await others.reached.wait()
    others.owners["ID1"] = changed = an_owner(state="banned")
    await deliver(cache, name, record)
    others.open.set()
    assert await call == changed


async def test_events_about_others_invalidate_nothing() -> None:
    others = Others()
    cache = a_cache(others)
    await cache.by_kid("kid-1")
    await cache.owner("ID1")
    await deliver(cache, "model.user.updated", {"uid": "ID2"})
    await deliver(cache, "model.api_key.updated", {"user": {"uid": "ID1"}, "kid": "kid-2"})
    await cache.by_kid("kid-1")
    await cache.owner("ID1")
    assert others.asked == ["kid-1", "ID1"]
