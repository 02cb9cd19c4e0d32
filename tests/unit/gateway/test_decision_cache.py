"""The decision cache: what its entries depend on, and when they become invalid."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry

from authz_gateway.authn.access_tokens import ResolvedAccessToken, digest_of
from authz_gateway.authn.call import Call, Caller
from authz_gateway.authn.lookup_cache import Entry
from authz_gateway.authz.decision_cache import MAX_DECISIONS, DecisionCache
from authz_gateway.authz.pipeline import WHITELINK_PAGE, WHITELINK_PATH
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.rate_limits import RateLimits
from authz_gateway.routing.route_table import Access, Rate
from shared.contracts.policy import Permission, Policy
from shared.contracts.sessions import ResolvedSession, session_key
from shared.errors import Throttled
from tests.unit.gateway.builders import CSRF_TOKEN, a_call, a_session, an_owner, another

BROWSER = {"User-Agent": "browser", "Cookie": "_barong_session=living"}
READ = Permission("member", "GET", "", "ACCEPT", None)
WRITE = Permission("member", "POST", "", "ACCEPT", None)


ISSUER = "https://barong.example.com"
CLIENT = {"User-Agent": "client", "Authorization": "Bearer living"}


def a_token(**overrides: Any) -> ResolvedAccessToken:
    """An access token of that member for routes with the scope `resource`."""
    fields: dict[str, Any] = {
        "grant_id": "grant-1",
        "audience": frozenset({ISSUER}),
        "scopes": frozenset({"openid", "resource"}),
        "expires_at": datetime.now(UTC) + timedelta(minutes=5),
        "owner": an_owner(),
    }
    return ResolvedAccessToken(**{**fields, **overrides})


class Tokens:
    """One cached access token."""

    def __init__(self) -> None:
        self.kept = Entry(a_token(), 5.0)

    def entry(self, digest: str) -> Entry[ResolvedAccessToken] | None:
        return self.kept if digest == digest_of("living") else None


class World:
    """A policy that allows members to read and write everything, one cached session and token."""

    def __init__(
        self,
        *rules: Permission,
        csrf_protection: bool = True,
        capacity: int = MAX_DECISIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.now = 0.0
        self.kept = Entry(a_session(), 5.0)
        self.tokens = Tokens()
        self.policy = policy_of(*(rules or (READ, WRITE)))
        self.cache = DecisionCache(
            self,
            self.tokens,
            self,
            RateLimits(CollectorRegistry(), enabled=True),
            "_barong_session",
            ISSUER,
            csrf_protection=csrf_protection,
            capacity=capacity,
            clock=clock,
        )

    def get(self) -> CompiledPolicy:
        return self.policy

    def entry(self, key: str) -> Entry[ResolvedSession] | None:
        return self.kept if key == session_key("living") else None

    def is_cached(self, call: Call) -> bool:
        return self.cache.get(call, self.now) is not None

    def allow(self, call: Call, caller: Caller | None = None) -> None:
        """Does what the dispatcher does after the pipeline allowed a call."""
        self.cache.put(call, caller or Caller.of(self.kept.value), self.policy, self.now)

    def allow_token(self, call: Call) -> None:
        """The same after a call with the access token."""
        token = self.tokens.kept.value
        self.allow(call, Caller.of_grant(token.owner, token.grant_id, in_scope=True))


def policy_of(*rules: Permission) -> CompiledPolicy:
    return CompiledPolicy(Policy(1, rules))


def test_a_decision_is_valid_until_the_session_expires_or_is_dropped() -> None:
    world, call = World(), a_call(BROWSER)
    assert not world.is_cached(call)
    world.allow(call)
    assert world.is_cached(call)
    world.now = 4.9
    assert world.is_cached(call)
    world.now = 5.0
    assert not world.is_cached(call)
    world.now = 4.9
    world.kept.expires = float("-inf")  # as after the session was dropped
    assert not world.is_cached(call)


def test_a_decision_is_valid_for_one_policy() -> None:
    world, call, public = World(), a_call(BROWSER), a_call({}, access=Access.PUBLIC)
    world.allow(call)
    world.cache.put(public, None, world.policy, world.now)
    assert world.is_cached(call)
    assert world.is_cached(public)
    world.policy.superseded = True
    assert not world.is_cached(call)
    assert not world.is_cached(public)


@pytest.mark.parametrize(
    "changes",
    [
        {"X-Request-Id": "another"},
        {"Accept": "text/html", "Referer": "https://page.example/", "If-None-Match": '"1"'},
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Negotiate"},
        {"Authorization": ""},
    ],
)
def test_irrelevant_headers_change_nothing(changes: Mapping[str, str]) -> None:
    world = World()
    world.allow(a_call(BROWSER))
    assert world.is_cached(a_call({**BROWSER, **changes}, path="/another", query="x=1"))


def test_a_scheme_that_is_ignored_is_no_credential_beside_a_cookie() -> None:
    """Nor is the cookie's decision one of another cookie with the same Authorization header."""
    world, basic = World(), {"Authorization": "Basic YTpi"}
    world.allow(a_call({**BROWSER, **basic}))
    assert world.is_cached(a_call(BROWSER))
    assert world.is_cached(a_call({**BROWSER, **basic}))
    another_cookie = {"Cookie": "_barong_session=another"}
    assert not world.is_cached(a_call({**BROWSER, **basic, **another_cookie}))


@pytest.mark.parametrize(
    "changes",
    [
        {"User-Agent": "another"},
        {"Cookie": "_barong_session=another"},
        {"Cookie": "_barong_session=living; _barong_session=other"},
        {"Cookie": "other=1"},
        {"Authorization": "Bearer x"},
        {"Authorization": "bearer x"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer\xa0x"},
        {"Authorization": "DPoP x"},
        {"X-Auth-Nonce": "1"},
        {"Signature": "a=::"},
        {"Signature-Input": "a=()"},
        {"X-Auth-Apikey": "kid"},
        {"X-Auth-Signature": "00"},
    ],
)
def test_every_relevant_header_needs_another_decision(changes: Mapping[str, str]) -> None:
    world = World()
    world.allow(a_call(BROWSER))
    assert not world.is_cached(a_call({**BROWSER, **changes}))


def test_another_address_and_a_second_cookie_header_need_a_decision() -> None:
    world = World()
    world.allow(a_call(BROWSER))
    assert not world.is_cached(a_call(BROWSER, address="10.1.2.4"))
    twice = CIMultiDict(BROWSER)
    twice.add("Cookie", "_barong_session=another")
    assert not world.is_cached(a_call(twice))


def test_other_cookies_beside_it_do_not_matter() -> None:
    world = World()
    world.allow(a_call(BROWSER))
    long = f"a=1; _barong_session=living; b={'x' * 4000}"
    assert world.is_cached(a_call({**BROWSER, "Cookie": "theme=dark; _barong_session=living"}))
    assert world.is_cached(a_call({**BROWSER, "Cookie": long}))


@pytest.mark.parametrize(
    "changes",
    [
        *({"Authorization": "Bearer x"}, {"X-Auth-Nonce": "1"}),
        *({"Signature": "a=::"}, {"signature-input": "a=()"}),
    ],
)
def test_decisions_about_other_credentials_are_not_cached(changes: Mapping[str, str]) -> None:
    world = World()
    world.allow(a_call({**BROWSER, **changes}))
    assert len(world.cache) == 0


def test_a_decision_about_a_replaced_session_is_not_cached() -> None:
    world = World()
    caller, world.kept = Caller.of(world.kept.value), Entry(a_session(), 5.0)
    world.allow(a_call(BROWSER), caller)
    assert len(world.cache) == 0


def test_a_decision_is_not_cached_when_the_policy_changed_meanwhile() -> None:
    world = World()
    before, world.policy = world.policy, policy_of(READ)
    world.cache.put(a_call(BROWSER), Caller.of(world.kept.value), before, world.now)
    world.cache.put(a_call({}, access=Access.PUBLIC), None, before, world.now)
    assert len(world.cache) == 0


def test_permissions_are_checked_for_each_call() -> None:
    world = World(
        Permission("member", "GET", "api", "ACCEPT", None),
        Permission("member", "GET", "api/closed", "DROP", None),
        Permission("member", "GET", "api/audited", "AUDIT", None),
    )
    call = a_call(BROWSER)
    world.allow(call)
    for _ in range(2):
        assert world.is_cached(call)
        for path in ("/api/closed", "/api/audited", "/elsewhere"):
            assert not world.is_cached(another(call, path=path))
        assert not world.is_cached(another(call, method="DELETE"))


@pytest.mark.parametrize(
    ("token", "protected", "known"),
    [
        (CSRF_TOKEN, True, True),
        ("wrong", True, False),
        ("", True, False),
        (None, True, False),
        (None, False, True),
    ],
)
def test_an_unsafe_call_needs_its_csrf_token_each_time(
    token: str | None, protected: bool, known: bool
) -> None:
    world = World(csrf_protection=protected)
    world.allow(a_call(BROWSER))
    headers = BROWSER if token is None else {**BROWSER, "X-CSRF-Token": token}
    for _ in range(2):
        assert world.is_cached(a_call(headers, method="POST")) is known


def test_public_calls_are_cached_by_address() -> None:
    world = World()
    public = a_call({}, access=Access.PUBLIC)
    world.cache.put(public, None, world.policy, world.now)
    assert world.is_cached(another(public, path="/another"))
    assert not world.is_cached(a_call({}, access=Access.PUBLIC, address="10.1.2.4"))
    assert not world.is_cached(a_call({}))
    assert not world.is_cached(a_call({}, access=Access.BLOCKED))


@pytest.mark.parametrize("path", [WHITELINK_PATH, WHITELINK_PAGE])
def test_decisions_about_whitelinks_are_not_cached(path: str) -> None:
    """Restrictions do not apply to these paths, so their decisions say nothing about others."""
    world = World()
    whitelink = a_call({}, path=path, access=Access.PUBLIC)
    world.cache.put(whitelink, None, world.policy, world.now)
    assert len(world.cache) == 0
    public = another(whitelink, path="/another")
    world.cache.put(public, None, world.policy, world.now)
    assert world.is_cached(public)
    assert not world.is_cached(whitelink)


@pytest.mark.parametrize("headers", [BROWSER, {}])
def test_every_cached_call_counts_towards_the_rate(headers: Mapping[str, str]) -> None:
    world = World()
    access = Access.REQUIRED if headers else Access.PUBLIC
    call = a_call(headers, access=access, rate=Rate(2, 60.0))
    world.cache.put(call, Caller.of(world.kept.value) if headers else None, world.policy, world.now)
    assert world.is_cached(call)
    assert world.is_cached(call)
    with pytest.raises(Throttled):
        world.is_cached(call)


def test_the_cache_has_a_maximum() -> None:
    world = World(capacity=3)
    agents = [f"browser {number}" for number in range(5)]
    for agent in agents:
        world.allow(a_call({**BROWSER, "User-Agent": agent}))
        public = a_call({}, access=Access.PUBLIC, address=f"10.0.0.{agent[-1]}")
        world.cache.put(public, None, world.policy, world.now)
    known = [world.is_cached(a_call({**BROWSER, "User-Agent": agent})) for agent in agents]
    assert known == [False, False, True, True, True]
    assert len(world.cache) <= 6


def test_invalid_decisions_are_dropped() -> None:
    world = World()
    world.allow(a_call(BROWSER))
    world.kept.expires = float("-inf")
    world.kept = Entry(a_session(), 5.0)
    world.allow(a_call({**BROWSER, "User-Agent": "another"}))
    assert len(world.cache) == 1


def token_call(changes: Mapping[str, str] | None = None, **options: Any) -> Call:
    """A call with the access token, at a route with its scope."""
    return a_call({**CLIENT, **(changes or {})}, **{"scope": "resource", **options})


def test_a_decision_about_an_access_token_is_valid_until_the_token_is_dropped() -> None:
    world, call = World(), token_call()
    assert not world.is_cached(call)
    world.allow_token(call)
    assert world.is_cached(call)
    world.now = 5.0
    assert not world.is_cached(call)
    world.now = 4.9
    assert world.is_cached(call)
    world.tokens.kept.expires = float("-inf")  # as after the grant was revoked
    assert not world.is_cached(call)


def test_a_decision_about_an_access_token_is_valid_for_one_policy() -> None:
    world, call = World(), token_call()
    world.allow_token(call)
    world.policy.superseded = True
    assert not world.is_cached(call)


@pytest.mark.parametrize(
    "route",
    [
        {"scope": ""},
        {"scope": "admin"},
        {"resource": True, "prefix": "/mcp"},
        {"max_age": 60},
        {"acr": "aal2"},
    ],
)
def test_an_access_token_is_compared_with_each_route(route: Mapping[str, Any]) -> None:
    world = World()
    world.allow_token(token_call())
    assert not world.is_cached(token_call(**route))
    assert world.is_cached(token_call(path="/another"))


def test_an_access_token_of_a_protected_resource_counts_there_alone() -> None:
    world = World()
    resource: dict[str, Any] = {"resource": True, "prefix": "/mcp"}
    audience = frozenset({f"{ISSUER}/mcp"})
    world.tokens.kept = Entry(a_token(audience=audience), 5.0)
    world.allow_token(token_call(**resource))
    assert world.is_cached(token_call(**resource))
    assert not world.is_cached(token_call())


@pytest.mark.parametrize(
    "changes",
    [
        {"Authorization": "Bearer another"},
        {"Authorization": "Basic living"},
        {"Authorization": "DPoP living"},
        {"X-Auth-Nonce": "1"},
        {"X-Auth-Apikey": "kid"},
        {"X-Auth-Signature": "00"},
        {"Signature": "a=::"},
        {"Signature-Input": "a=()"},
    ],
)
def test_another_credential_beside_an_access_token_needs_a_decision(
    changes: Mapping[str, str],
) -> None:
    world = World()
    world.allow_token(token_call())
    assert not world.is_cached(token_call(changes))
    world.allow_token(token_call(changes))
    assert len(world.cache) == 1


def test_a_second_authorization_header_and_another_address_need_a_decision() -> None:
    world = World()
    world.allow_token(token_call())
    assert not world.is_cached(token_call(address="10.1.2.4"))
    twice = CIMultiDict(CLIENT)
    twice.add("Authorization", "Bearer living")
    assert not world.is_cached(a_call(twice, scope="resource"))


def test_an_access_token_wins_over_cookies_and_needs_no_csrf_token() -> None:
    world = World()
    world.allow_token(token_call())
    assert world.is_cached(token_call({"Cookie": BROWSER["Cookie"]}, method="POST"))
    assert not world.is_cached(a_call(BROWSER, scope="resource"))


def test_a_cookie_that_is_an_access_token_is_no_credential() -> None:
    world = World()
    world.allow_token(token_call())
    cookie = {"Cookie": "_barong_session=living", "User-Agent": ""}
    assert not world.is_cached(a_call(cookie, scope="resource"))


def test_a_decision_about_a_replaced_access_token_is_not_cached() -> None:
    world = World()
    before, world.tokens.kept = world.tokens.kept.value, Entry(a_token(), 5.0)
    caller = Caller.of_grant(before.owner, before.grant_id, in_scope=True)
    world.allow(token_call(), caller)
    assert len(world.cache) == 0


def test_a_call_with_an_access_token_counts_towards_the_rate() -> None:
    world, call = World(), token_call(rate=Rate(2, 60.0))
    world.allow_token(call)
    assert world.is_cached(call)
    assert world.is_cached(call)
    with pytest.raises(Throttled):
        world.is_cached(call)
