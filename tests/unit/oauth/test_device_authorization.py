"""User codes, and what a polling device is told (RFC 8628)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from oauth_svc.devices.models import Origin, UserCodes
from oauth_svc.protocol.client import Client
from oauth_svc.protocol.device_authorization import (
    ALPHABET,
    DeviceCode,
    parse_device_request,
    read_user_code,
    require_redeemable,
    show_user_code,
)
from oauth_svc.protocol.errors import OAuthError
from oauth_svc.protocol.parameters import Parameters
from shared.crypto.key_ring import KeyRing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = {"b": b"b" * 32, "a": b"a" * 32}


def code(**changes: object) -> DeviceCode:
    values = {
        "client_id": "tv",
        "expires_at": NOW + timedelta(minutes=10),
        "interval": timedelta(seconds=5),
        "polled_at": None,
        "allowed": None,
        **changes,
    }
    return DeviceCode(**values)  # type: ignore[arg-type]


EARLY, LATE = NOW - timedelta(seconds=4.9), NOW - timedelta(seconds=5)
EXPIRED = NOW


@pytest.mark.parametrize(
    ("found", "client_id", "error"),
    [
        (code(), "tv", "authorization_pending"),
        (code(polled_at=LATE), "tv", "authorization_pending"),
        (code(polled_at=EARLY), "tv", "slow_down"),
        (code(allowed=False), "tv", "access_denied"),
        (code(allowed=False, expires_at=EXPIRED), "tv", "access_denied"),
        (code(expires_at=EXPIRED, polled_at=EARLY), "tv", "expired_token"),
        (code(allowed=True, expires_at=EXPIRED), "tv", "expired_token"),
        (code(allowed=True), "other", "invalid_grant"),
        (code(allowed=False), "other", "invalid_grant"),
        (code(allowed=True, polled_at=EARLY), "tv", None),
    ],
)
def test_3_5_what_a_device_is_told(found: DeviceCode, client_id: str, error: str | None) -> None:
    if error is None:
        require_redeemable(found, client_id, NOW)
        return
    with pytest.raises(OAuthError) as refused:
        require_redeemable(found, client_id, NOW)
    assert (refused.value.error, refused.value.status) == (error, 400)


@pytest.mark.parametrize("typed", ["BCDFGHJK", "bcdf-ghjk", " BCDF GHJK\n", "b-c-d-f-g-h-j-k"])
def test_6_1_a_code_is_read_whatever_its_case_and_marks(typed: str) -> None:
    assert read_user_code(typed) == "BCDFGHJK"


@pytest.mark.parametrize(
    "typed",
    ["", "BCDFGHJ", "BCDFGHJKL", "ACDFGHJK", "0CDFGHJK", "BCDFGHJ\x00", "ẞCDFGHJK", "B" * 999],
)
def test_6_1_other_texts_are_no_codes(typed: str) -> None:
    assert read_user_code(typed) is None


def test_6_1_new_codes_are_random_and_can_be_read_back() -> None:
    codes = UserCodes(KeyRing(KEYS))
    made = {codes.new() for _ in range(50)}

    assert len(made) == 50
    assert all(set(each) <= set(ALPHABET) for each in made)
    assert all(read_user_code(show_user_code(each)) == each for each in made)


def test_a_digest_holds_while_its_key_is_in_the_ring() -> None:
    before = UserCodes(KeyRing({"a": KEYS["a"]})).digest("BCDFGHJK")

    assert before in UserCodes(KeyRing(KEYS)).digests("BCDFGHJK")
    assert before not in UserCodes(KeyRing({"b": KEYS["b"]})).digests("BCDFGHJK")
    assert before not in UserCodes(KeyRing(KEYS)).digests("BCDFGHJL")


@pytest.mark.parametrize(
    ("here", "there", "near"),
    [
        ("203.0.113.1", "203.0.113.1", True),
        ("203.0.113.1", "203.0.113.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("2001:db8::1", "203.0.113.1", False),
    ],
)
def test_5_4_where_a_device_is(here: str, there: str, near: bool) -> None:
    origin = Origin(address=ip_address(here), user_agent="")

    assert origin.is_near(ip_address(there)) is near


def test_3_1_a_client_needs_the_grant_type(make_client: Callable[..., Client]) -> None:
    asked = Parameters([("scope", "openid"), ("resource", "https://api.example.com")])
    with pytest.raises(OAuthError, match="unauthorized_client"):
        parse_device_request(asked, make_client())

    grant = "urn:ietf:params:oauth:grant-type:device_code"
    found = parse_device_request(asked, make_client(grant_types=[grant]))
    assert found == (("openid",), ("https://api.example.com",))
