"""Which key signs, which is made and which is dropped, as time goes by."""

from datetime import UTC, datetime, timedelta

import pytest

from identity_svc.signing_keys.models import Plan, Schedule, StoredKey, signing_key

SCHEDULE = Schedule(
    published=timedelta(minutes=10), rotation=timedelta(days=30), kept=timedelta(days=30)
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
JUST_NOW = NOW - timedelta(minutes=5)


def a_key(kid: str, *, days: float, used_at: datetime | None = JUST_NOW) -> StoredKey:
    """A generated key that is active since `days`; negative ones lie ahead."""
    return StoredKey(
        kid=kid, private_key=b"sealed", active_at=NOW - timedelta(days=days), used_at=used_at
    )


def an_operators_key(kid: str, *, days: float, used_at: datetime | None = JUST_NOW) -> StoredKey:
    return StoredKey(
        kid=kid, public_key=b"der", active_at=NOW - timedelta(days=days), used_at=used_at
    )


def chosen(*keys: StoredKey, own: str | None = None) -> str | None:
    key = signing_key(keys, own, NOW)
    return key.kid if key else None


def plan(*keys: StoredKey, own: str | None = None) -> Plan:
    return SCHEDULE.plan(keys, own, NOW)


def test_the_newest_active_key_signs() -> None:
    assert chosen(a_key("next", days=-0.001), a_key("new", days=1), a_key("old", days=31)) == "new"


def test_a_key_that_is_not_active_signs_where_there_is_no_other() -> None:
    assert chosen() is None
    assert chosen(a_key("next", days=-0.001)) == "next"
    assert chosen(an_operators_key("gone", days=3), a_key("next", days=-0.001)) == "next"


def test_the_operators_key_signs_once_it_is_active() -> None:
    generated = a_key("generated", days=1)
    assert chosen(generated, an_operators_key("own", days=-0.001), own="own") == "generated"
    assert chosen(generated, an_operators_key("own", days=3), own="own") == "own"
    assert chosen(generated, an_operators_key("own", days=3)) == "generated"
    assert chosen(an_operators_key("own", days=-0.001), own="own") == "own"


@pytest.mark.parametrize(
    ("days", "due"), [(1, False), (29.99, False), (29.995, True), (30, True), (400, True)]
)
def test_the_next_key_is_made_as_long_before_its_time_as_it_is_published(
    days: float, due: bool
) -> None:
    assert plan(a_key("k", days=days)).make_key is due


def test_one_next_key_is_enough() -> None:
    assert plan(a_key("next", days=-0.005, used_at=None), a_key("k", days=29.999)) == Plan()


def test_the_first_key_is_made_at_once() -> None:
    assert plan() == Plan(make_key=True)


def test_with_a_key_of_the_operators_none_is_made() -> None:
    assert plan(own="own") == Plan(publish_own=True)
    assert plan(a_key("k", days=40), own="own") == Plan(publish_own=True)
    assert plan(a_key("k", days=40), an_operators_key("own", days=400), own="own") == Plan()


def test_when_the_operator_takes_his_key_back_one_is_made() -> None:
    assert plan(an_operators_key("gone", days=3)).make_key


@pytest.mark.parametrize(("days", "dropped"), [(0, ()), (30, ()), (30.05, ("old",))])
def test_a_retired_key_is_kept_while_something_it_signed_may_be_wanted(
    days: float, dropped: tuple[str, ...]
) -> None:
    old = a_key("old", days=70, used_at=NOW - timedelta(days=days))
    assert plan(a_key("new", days=29), old).drop == dropped


def test_a_key_that_was_never_used_goes_as_well() -> None:
    never = a_key("never", days=31, used_at=None)
    assert plan(a_key("new", days=7), never).drop == ("never",)


def test_the_signing_key_and_the_operators_own_are_never_dropped() -> None:
    long_ago = NOW - timedelta(days=100)
    assert plan(a_key("k", days=20, used_at=long_ago)).drop == ()
    own = an_operators_key("own", days=100, used_at=long_ago)
    assert plan(own, own="own").drop == ()


def test_the_use_of_a_key_is_noted_now_and_then() -> None:
    assert plan(a_key("k", days=1, used_at=None)).note_use_of == "k"
    assert plan(a_key("k", days=1, used_at=NOW - timedelta(minutes=61))).note_use_of == "k"
    assert plan(a_key("k", days=1)).note_use_of is None
