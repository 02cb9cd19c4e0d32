"""What is remembered of a decision, and when that holds no more."""

from collections.abc import Mapping
from ipaddress import ip_address

import pytest
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry

from authz_gateway.authn.lookup_cache import Entry
from authz_gateway.authz.call import Call
from authz_gateway.authz.decision_cache import Remembered
from authz_gateway.authz.pipeline import Caller
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.rate_limits import RateLimits
from authz_gateway.routing.route_table import Access, Rate, Route
from shared.contracts.policy import Permission, Policy
from shared.contracts.sessions import ResolvedSession
from shared.errors import Throttled
from tests.unit.gateway.builders import a_session

COOKIE = {"Cookie": "_barong_session=living"}


class World:
    """A policy that lets members read everything, and one living session."""

    def __init__(self) -> None:
        self.now = 0.0
        self.held = Entry(a_session(), 5.0)
        self.policy = self.another_policy("ACCEPT")
        self.remembered = Remembered(
            self,
            self,
            RateLimits(CollectorRegistry(), enabled=True),
            "_barong_session",
        )

    @staticmethod
    def another_policy(*actions: str) -> CompiledPolicy:
        return policy_of(*(Permission("member", "GET", "", action, None) for action in actions))

    def get(self) -> CompiledPolicy:
        return self.policy

    def entry(self, cookie: str) -> Entry[ResolvedSession] | None:
        return self.held if cookie == "living" else None

    def caller(self) -> Caller:
        return Caller.of(self.held.value)


def policy_of(*rules: Permission) -> CompiledPolicy:
    return CompiledPolicy(Policy(1, rules))


def a_call(headers: Mapping[str, str] = COOKIE) -> Call:
    async def nothing(_limit: int) -> bytes:
        return b""

    return Call(
        route=Route(prefix="/", access=Access.REQUIRED),
        method="GET",
        path="/api/v2/barong/resource/users/me",
        query="",
        body=nothing,
        headers=CIMultiDict(headers),
        address=ip_address("10.1.2.3"),
    )


def test_a_decision_holds_until_its_session_or_the_policy_changes() -> None:
    world, call = World(), a_call()
    memory = world.remembered.memory(call, world.caller(), world.policy)
    assert memory is not None
    assert world.remembered.holds(memory, call, world.now)

    world.now = 5.0
    assert not world.remembered.holds(memory, call, world.now)
    world.now = 4.9
    assert world.remembered.holds(memory, call, world.now)

    world.policy.superseded = True
    assert not world.remembered.holds(memory, call, world.now)
    world.policy.superseded = False
    assert world.remembered.holds(memory, call, world.now)
    world.held.expires = float("-inf")  # as it is when it was dropped
    assert not world.remembered.holds(memory, call, world.now)


def test_a_session_that_was_replaced_meanwhile_is_not_remembered() -> None:
    world = World()
    caller, world.held = world.caller(), Entry(a_session(), 5.0)

    assert world.remembered.memory(a_call(), caller, world.policy) is None


def test_a_decision_during_which_the_policy_changed_is_not_remembered() -> None:
    world = World()
    begun_with, world.policy = world.policy, world.another_policy("ACCEPT")

    assert world.remembered.memory(a_call(), world.caller(), begun_with) is None
    assert world.remembered.memory(a_call({}), None, begun_with) is None


def test_only_calls_with_a_cookie_that_are_not_audited_are_remembered() -> None:
    world = World()
    for more in ({"Authorization": "Bearer x"}, {"X-Auth-Nonce": "1"}):
        call = a_call(COOKIE | more)
        assert world.remembered.memory(call, world.caller(), world.policy) is None

    world.policy = world.another_policy("ACCEPT", "AUDIT")
    memory = world.remembered.memory(a_call(), world.caller(), world.policy)
    assert memory is not None
    assert not world.remembered.holds(memory, a_call(), world.now)


def test_what_one_call_may_says_nothing_of_another() -> None:
    world, call = World(), a_call()
    world.policy = policy_of(
        Permission("member", "GET", "api", "ACCEPT", None),
        Permission("member", "GET", "api/closed", "DROP", None),
        Permission("member", "GET", "api/kept", "AUDIT", None),
    )
    memory = world.remembered.memory(call, world.caller(), world.policy)
    assert memory is not None
    for _ in range(2):
        assert world.remembered.holds(memory, call, world.now)
        for other in ("/api/closed", "/api/kept", "/elsewhere"):
            assert not world.remembered.holds(memory, call._replace(path=other), world.now)
        assert not world.remembered.holds(memory, call._replace(method="DELETE"), world.now)


def test_the_same_call_counts_each_time() -> None:
    world = World()
    often = Route(prefix="/", access=Access.REQUIRED, rate=Rate(2, 60.0))
    call = a_call()._replace(route=often)
    memory = world.remembered.memory(call, world.caller(), world.policy)
    assert memory is not None
    for _ in range(2):
        assert world.remembered.holds(memory, call, world.now)
    with pytest.raises(Throttled):
        world.remembered.holds(memory, call, world.now)
