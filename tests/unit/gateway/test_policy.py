"""The compiled policy decides like a simple evaluation of the rules, and is kept current."""

import asyncio
import math
import uuid
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from authz_gateway.authn.api_keys import ApiKeyCache
from authz_gateway.authn.sessions import SessionCache
from authz_gateway.authz.policy import CompiledPolicy, CurrentPolicy, register_policy_metrics
from authz_gateway.routing.route_table import Access, Route
from authz_gateway.subscriptions import CarriedChanges, Subscriptions
from authz_gateway.upstream.websocket import WebSockets
from shared.contracts.events import ReceivedEvent
from shared.contracts.policy import Permission, Policy
from shared.errors import Unavailable
from shared.messaging.supervision import supervised
from tests.support.waiting import until
from tests.unit.gateway.builders import access_tokens

SEGMENTS = st.sampled_from(["a", "b", "ab", "c:d"])
RULES = st.builds(
    Permission,
    role=st.sampled_from(["member", "admin"]),
    verb=st.sampled_from(["GET", "HEAD", "POST", "ALL"]),
    path=st.lists(SEGMENTS, max_size=3).flatmap(
        lambda parts: st.sampled_from(["", "/"]).map(lambda slash: slash + "/".join(parts) + slash)
    ),
    action=st.sampled_from(["ACCEPT", "ACCEPT", "DROP", "AUDIT"]),
    topic=st.sampled_from([None, "t1", "t2"]),
)
CALLS = st.tuples(
    st.sampled_from(["member", "admin", "nobody"]),
    st.sampled_from(["GET", "HEAD", "POST", "PUT"]),
    st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts)),
)


@given(st.lists(RULES, max_size=8), CALLS)
def test_agrees_with_a_simple_evaluation_of_the_rules(
    rules: list[Permission], call: tuple[str, str, str]
) -> None:
    role, verb, path = call
    asked = {"HEAD", "GET"} if verb == "HEAD" else {verb}
    actions = {
        rule.action
        for rule in rules
        if rule.role == role
        and rule.verb in asked | {"ALL"}
        and f"{path.rstrip('/')}/".startswith(
            f"/{rule.path.strip('/')}/" if rule.path.strip("/") else "/"
        )
    }
    verdict = CompiledPolicy(Policy(1, tuple(rules))).decide(role, verb, path)
    assert verdict.allowed == ("ACCEPT" in actions and "DROP" not in actions)
    assert verdict.audited == ("AUDIT" in actions)


def a_rule(
    path: str, action: str = "ACCEPT", topic: str | None = None, verb: str = "ALL"
) -> Permission:
    return Permission("member", verb, path, action, topic)


@pytest.mark.parametrize(
    ("rules", "head", "get"),
    [
        ([("HEAD", "ACCEPT")], True, False),
        ([("GET", "ACCEPT")], True, True),
        ([("GET", "ACCEPT"), ("HEAD", "DROP")], False, True),
        ([("HEAD", "ACCEPT"), ("GET", "DROP")], False, False),
        ([("ALL", "ACCEPT"), ("HEAD", "DROP")], False, True),
        ([("ALL", "ACCEPT"), ("GET", "DROP")], False, False),
    ],
)
def test_head_is_decided_by_its_own_rules_and_by_those_for_get(
    rules: list[tuple[str, str]], head: bool, get: bool
) -> None:
    policy = CompiledPolicy(
        Policy(1, tuple(a_rule("x", action, verb=verb) for verb, action in rules))
    )
    allowed = [policy.decide("member", verb, "/x/y").allowed for verb in ("HEAD", "GET")]
    assert allowed == [head, get]


@pytest.mark.parametrize(
    "rule", ["api/v2/barong/admin/users", "/api/v2/admin/users/", "admin/users"]
)
def test_a_rule_for_an_alias_applies_to_the_canonical_path(rule: str) -> None:
    policy = CompiledPolicy(Policy(1, (a_rule(""), a_rule(rule, "DROP"))))
    assert not policy.decide("member", "GET", "/api/v2/barong/admin/users/labels").allowed
    assert policy.decide("member", "GET", "/api/v2/barong/admin/users2").allowed


def test_the_same_rules_apply_to_an_escaped_path() -> None:
    policy = CompiledPolicy(Policy(1, (a_rule("x"), a_rule("x/a:b", "DROP"))))
    assert not policy.decide("member", "GET", "/x/a%3Ab/y").allowed
    assert not policy.decide("member", "GET", "/x/a%3ab").allowed


def test_the_longest_audit_rule_gives_the_topic() -> None:
    rules = (
        a_rule("x", topic="not of an audit"),
        a_rule("x/y", "AUDIT", "inner"),
        a_rule("x", "AUDIT", "outer"),
        a_rule("x/y/z", "AUDIT"),
    )
    policy = CompiledPolicy(Policy(1, rules))
    assert policy.decide("member", "GET", "/x").topic == "outer"
    assert policy.decide("member", "GET", "/x/y/z").topic == "inner"


@dataclass
class Admin:
    """Stands for admin-svc's API of the policy."""

    answers: list[Policy | Unavailable] = field(default_factory=list)
    failed: asyncio.Event = field(default_factory=asyncio.Event)

    async def policy_other_than(self, known: int | None) -> Policy | None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Unavailable):
            self.failed.set()
            raise answer
        return None if answer.version == known else answer


@dataclass
class Listener:
    listening: bool = True


def kept_current(policy: CurrentPolicy, listener: Listener) -> AbstractAsyncContextManager[None]:
    return supervised("policy", lambda: policy.keep_current(listener))


async def seen(policy: CurrentPolicy, version: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if policy.get().version == version:
                    return
            except Unavailable:
                pass
            await asyncio.sleep(0.005)


async def test_without_a_loaded_policy_there_is_none() -> None:
    admin = Admin([Unavailable("admin-svc"), Policy(1, ())])
    policy = CurrentPolicy(admin)
    with pytest.raises(Unavailable):
        await policy.check()
    async with kept_current(policy, Listener()):
        await seen(policy, 1)
    await policy.check()


async def test_a_change_is_loaded_and_a_failure_leaves_the_last_policy() -> None:
    admin = Admin([Policy(1, (a_rule("x"),)), Unavailable("admin-svc"), Policy(2, ())])
    policy = CurrentPolicy(admin)
    async with kept_current(policy, Listener()):
        await seen(policy, 1)
        first = policy.get()
        policy.mark_outdated()
        await admin.failed.wait()
        assert policy.get() is first
        assert first.decide("member", "GET", "/x").allowed
        assert [first.superseded] == [False]
        await seen(policy, 2)
        assert [first.superseded, policy.get().superseded] == [True, False]


async def test_a_change_during_a_load_causes_another_load() -> None:
    policy: CurrentPolicy

    class Changing(Admin):
        async def policy_other_than(self, known: int | None) -> Policy | None:
            answer = await super().policy_other_than(known)
            if known is None:
                policy.mark_outdated()
            return answer

    policy = CurrentPolicy(Changing([Policy(1, ()), Policy(2, ())]))
    async with kept_current(policy, Listener()):
        await seen(policy, 2)


@pytest.mark.parametrize("thing", ["permission", "restriction"])
async def test_an_event_causes_a_load(thing: str) -> None:
    policy = CurrentPolicy(Admin([Policy(1, ()), Policy(2, ())]))
    nobody: Any = None
    registry = CollectorRegistry()
    sessions, keys = SessionCache(nobody, registry), ApiKeyCache(nobody, nobody, registry)
    subscriptions = Subscriptions(policy, sessions, keys, access_tokens(), WebSockets(registry))
    event = ReceivedEvent(
        id=uuid.uuid4(),
        name=f"model.{thing}.created",
        record={},
        changes={},
        snapshot={},
        issued_at=datetime.now(UTC),
    )
    async with kept_current(policy, Listener()):
        await seen(policy, 1)
        await subscriptions.on_event(event)
        await seen(policy, 2)


async def test_without_events_it_polls_more_often() -> None:
    admin = Admin([Policy(1, ()), Policy(2, ()), Policy(3, ())])
    policy = CurrentPolicy(admin, poll_seconds_without_events=0.01)
    async with kept_current(policy, Listener(listening=False)):
        await seen(policy, 3)


async def test_an_unchanged_policy_is_kept() -> None:
    admin = Admin([Policy(1, ()), Policy(1, ()), Policy(1, ()), Unavailable("admin-svc")])
    policy = CurrentPolicy(admin, poll_seconds_without_events=0)
    loading = asyncio.create_task(policy.keep_current(Listener(listening=False)))
    await seen(policy, 1)
    first = policy.get()
    with pytest.raises(Unavailable):  # the last answer
        await loading
    assert policy.get() is first


async def test_the_age_counts_from_the_last_confirmation() -> None:
    registry, listener = CollectorRegistry(), Listener(listening=False)
    admin = Admin([Policy(1, ()), Policy(1, ())])
    policy = CurrentPolicy(admin, poll_seconds_without_events=0.01)
    register_policy_metrics(policy, listener, registry)

    def age() -> float:
        return registry.get_sample_value("gateway_policy_age_seconds") or 0.0

    async def older_than(seconds: float) -> bool:
        return age() > seconds

    async def younger_than(seconds: float) -> bool:
        return age() < seconds

    assert age() == math.inf
    async with kept_current(policy, listener):
        await until(partial(younger_than, 0.2))
        admin.answers = [Unavailable("admin-svc")]
        await until(partial(older_than, 0.5))  # the policy stays in force, and its age is a metric
        admin.answers = [Policy(1, ())]
        await until(partial(younger_than, 0.2))  # confirmed, although unchanged
    assert registry.get_sample_value("gateway_hears_events") == 0
    listener.listening = True
    assert registry.get_sample_value("gateway_hears_events") == 1


@dataclass
class SlowAdmin(Admin):
    """Answers when it is allowed to, and counts the requests."""

    may: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def policy_other_than(self, known: int | None) -> Policy | None:
        self.asked += 1
        answer = await super().policy_other_than(known)  # as it was when the request arrived
        await self.may.wait()
        return answer


async def test_load_returns_a_policy_that_was_requested_later() -> None:
    admin = SlowAdmin([Policy(1, ()), Policy(2, ())])
    policy = CurrentPolicy(admin)
    before = asyncio.create_task(policy.load())
    await asyncio.sleep(0)  # the request is under way
    later = [asyncio.create_task(policy.load()) for _ in range(20)]
    await asyncio.sleep(0)
    admin.may.set()
    await asyncio.gather(before, *later)
    assert (policy.get().version, admin.asked) == (2, 2)


def carried(policy: CurrentPolicy, registry: CollectorRegistry, seconds: float) -> CarriedChanges:
    nobody: Any = None
    sessions = SessionCache(nobody, registry)
    keys = ApiKeyCache(nobody, nobody, registry)
    subscriptions = Subscriptions(policy, sessions, keys, access_tokens(), WebSockets(registry))
    return CarriedChanges(subscriptions, registry, seconds)


@pytest.mark.parametrize(
    ("admin", "outcome"),
    [
        (Admin([Policy(1, ())]), "done"),
        (Admin([Unavailable("admin-svc")]), "late"),
        (SlowAdmin([Policy(1, ())]), "late"),
    ],
)
@pytest.mark.parametrize("subject", ["policy", "everything"])
async def test_a_response_waits_for_a_policy_for_a_limited_time(
    admin: Admin, outcome: str, subject: str
) -> None:
    registry = CollectorRegistry()
    waiting = carried(CurrentPolicy(admin), registry, seconds=0.05)(f"user:ID1, {subject}")
    assert waiting is not None
    await waiting
    labels = {"subject": "policy", "outcome": outcome}
    assert registry.get_sample_value("gateway_carried_changes_total", labels) == 1


async def test_a_response_does_not_wait_for_changes_of_users() -> None:
    policy = CurrentPolicy(Admin([Unavailable("admin-svc")]))
    assert carried(policy, CollectorRegistry(), seconds=1)("user:ID1, user:ID2") is None


def test_rules_match_in_any_case_where_the_route_says_so() -> None:
    rules = (a_rule("Shop"), a_rule("shop/Admin", "DROP"), a_rule("shop/ORDERS", "AUDIT", "t"))
    policy = CompiledPolicy(Policy(1, rules))
    exact, folded = (
        Route(prefix="/Shop", access=Access.REQUIRED, case_insensitive=each)
        for each in (False, True)
    )
    assert policy.verdict("member", "GET", "/Shop/ADMIN/x", exact).allowed
    assert not policy.verdict("member", "GET", "/Shop/ADMIN/x", folded).allowed
    assert not policy.verdict("member", "GET", "/shop/x", exact).allowed
    assert policy.verdict("member", "GET", "/shop/x", folded).allowed
    assert policy.verdict("member", "GET", "/SHOP/orders/1", folded).topic == "t"
