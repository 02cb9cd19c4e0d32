"""Routes that ask for a recent or a strong authentication (RFC 9470)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from multidict import CIMultiDict

from authz_gateway.authn.call import Caller
from authz_gateway.authz.pipeline import InvalidPermission
from shared.contracts.authentication import (
    KEY,
    OTP,
    PASSWORD,
    USER,
    Authentication,
    StepUpRequired,
    level_of,
    methods,
    reaches,
)
from shared.contracts.sessions import ResolvedSession
from tests.unit.gateway.builders import a_call, a_session
from tests.unit.gateway.test_decision_cache import BROWSER, World
from tests.unit.gateway.test_pipeline import Audits, Sessions, a_decision

HOUR = 3600
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def authenticated(seconds_ago: float, *used: str) -> ResolvedSession:
    amr = methods(*used)
    at = NOW - timedelta(seconds=seconds_ago)
    return a_session(authentication=Authentication(amr, level_of(amr), at))


def call_of(**route: Any) -> Any:
    return a_call(CIMultiDict(BROWSER), **{"scope": "resource", **route})


@pytest.mark.parametrize(
    ("used", "amr", "acr"),
    [
        ((PASSWORD,), ("pwd",), "aal1"),
        ((PASSWORD, OTP), ("pwd", "otp", "mfa"), "aal2"),
        ((PASSWORD, OTP, PASSWORD, "mfa"), ("pwd", "otp", "mfa"), "aal2"),
        ((KEY, USER), ("pop", "user", "mfa"), "phr"),
        ((KEY,), ("pop",), "aal1"),
        ((), (), "aal1"),
    ],
)
def test_methods_and_levels(used: tuple[str, ...], amr: tuple[str, ...], acr: str) -> None:
    assert methods(*used) == amr
    assert level_of(amr) == acr


def test_a_stronger_level_reaches_a_weaker_one() -> None:
    levels = ("aal1", "aal2", "phr")
    for strength, acr in enumerate(levels):
        assert [reaches(acr, wanted) for wanted in levels] == [strength >= n for n in range(3)]
    assert not any(reaches(acr, "aal1") for acr in (None, "", "AAL2", "urn:other"))


@pytest.mark.parametrize(
    ("session", "route", "challenge"),
    [
        (authenticated(299, PASSWORD), {"max_age": 300}, None),
        (authenticated(301, PASSWORD), {"max_age": 300}, 'max_age="300"'),
        (authenticated(-5, PASSWORD), {"max_age": 300}, None),  # the database's clock is ahead
        (authenticated(HOUR, PASSWORD, OTP), {"acr": "aal2"}, None),
        (authenticated(0, PASSWORD), {"acr": "aal2"}, 'acr_values="aal2"'),
        (authenticated(0, KEY, USER), {"acr": "aal2", "max_age": 1}, None),
        (authenticated(0, PASSWORD, OTP), {"acr": "phr", "max_age": 9}, 'acr_values="phr"'),
        (a_session(), {"max_age": HOUR}, 'max_age="3600"'),  # from an earlier identity-svc
        (a_session(), {"acr": "aal1"}, 'acr_values="aal1"'),
        (a_session(), {}, None),
    ],
)
async def test_the_pipeline_asks_for_what_the_route_asks(
    session: ResolvedSession, route: dict[str, Any], challenge: str | None
) -> None:
    audits = Audits()
    decide = a_decision(sessions=Sessions(session), audits=audits, clock=NOW.timestamp)
    if challenge is None:
        assert await decide(call_of(**route))
        return
    with pytest.raises(StepUpRequired) as refused:
        await decide(call_of(**route))
    header = refused.value.headers["WWW-Authenticate"]
    assert header.startswith('Bearer error="insufficient_user_authentication", ')
    assert challenge in header
    assert audits.kept == []


async def test_a_caller_without_the_permission_is_not_asked_to_step_up() -> None:
    """It would not help them."""
    session = authenticated(HOUR, PASSWORD)
    decide = a_decision(sessions=Sessions(session), clock=NOW.timestamp)
    call = a_call(CIMultiDict(BROWSER), path="/api/v2/barong/admin/users", max_age=60)
    with pytest.raises(InvalidPermission):
        await decide(call)


def test_the_decision_cache_looks_at_the_age_each_time() -> None:
    """A session that is known already does not stay recent."""
    now = NOW.timestamp()
    world = World(clock=lambda: now)
    world.kept.value = authenticated(0, PASSWORD)
    asks, plain = (a_call(BROWSER, max_age=300), a_call(BROWSER))
    world.allow(asks, Caller.of(world.kept.value))
    assert world.is_cached(asks)
    now += 301
    assert not world.is_cached(asks)
    assert world.is_cached(plain)
    strong = a_call(BROWSER, acr="aal2")
    assert not world.is_cached(strong)
