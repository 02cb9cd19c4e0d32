"""Which events an endpoint gets, where deliveries may go, and when they are tried again."""

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.values.addresses import may_be_called
from webhooks_svc.deliveries.models import (
    LONGEST_RETRY_AFTER,
    RETRY_SECONDS,
    Message,
    Outcome,
    delay_after,
)
from webhooks_svc.endpoints.models import (
    UnknownEvents,
    matches,
    new_secret,
    require_known,
    shown,
)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "model.user.created", True),
        ("model.user.*", "model.user.created", True),
        ("model.*", "model.user.created", True),
        ("model.user.created", "model.user.created", True),
        ("model.user.*", "model.users.created", False),
        ("model.user.created", "model.user.created.again", False),
        ("model.user", "model.user.created", False),
    ],
)
def test_a_pattern_is_a_name_or_its_beginning(pattern: str, name: str, expected: bool) -> None:
    assert matches([pattern], name) is expected


@pytest.mark.parametrize(
    "patterns",
    [
        [],
        ["model.user.created"] * 51,
        ["model.nothing.*"],
        ["model.user.creat*"],
        ["system.user.password.reset.token"],
        ["Model.user.created"],
        ["*", ""],
    ],
)
def test_patterns_that_match_nothing_are_refused(patterns: list[str]) -> None:
    with pytest.raises(UnknownEvents):
        require_known(patterns)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        *((private, False) for private in ("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1")),
        *((odd, False) for odd in ("0.0.0.0", "169.254.169.254", "100.64.0.1", "224.0.0.1")),
        *((odd, False) for odd in ("255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1")),
        *((six, False) for six in ("::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1")),
        *((cloud, False) for cloud in ("168.63.129.16", "192.0.0.192", "fd00:ec2::254")),
        # An IPv4 address in an IPv6 one: mapped, NAT64, 6to4, Teredo.
        *((inner, False) for inner in ("::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::")),
        ("64:ff9b::a83f:8110", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        ("64:ff9b::5db8:d822", True),
    ],
)
def test_deliveries_go_to_public_addresses(address: str, expected: bool) -> None:
    assert may_be_called(ip_address(address), ()) is expected


def test_a_network_can_be_allowed() -> None:
    allowed = (ip_network("10.1.0.0/16"),)

    assert may_be_called(ip_address("10.1.2.3"), allowed)
    assert may_be_called(ip_address("::ffff:10.1.2.3"), allowed)
    assert not may_be_called(ip_address("10.2.0.1"), allowed)


def test_a_delivery_is_tried_for_about_a_day() -> None:
    failed = Outcome(status=500)

    delays = [delay_after(number, failed) for number in range(1, len(RETRY_SECONDS) + 1)]

    assert delay_after(len(RETRY_SECONDS) + 1, failed) is None
    total = sum(delay.total_seconds() for delay in delays if delay)
    assert 0.8 * 86_400 < total < 1.2 * 90_000


def test_an_endpoint_may_ask_for_time_within_bounds() -> None:
    for asked, least in ((60, 60), (10**9, LONGEST_RETRY_AFTER)):
        delay = delay_after(1, Outcome(status=429, retry_after=asked))
        assert delay is not None
        assert least <= delay.total_seconds() <= LONGEST_RETRY_AFTER


def test_the_library_of_standard_webhooks_verifies_a_message() -> None:
    old, new = new_secret(), new_secret()
    message = Message(id="0b6b8c5e", payload='{"type":"model.user.created","n":"é"}')
    headers = message.headers(datetime.now(UTC), [new, old])

    for secret in (new, old):
        assert Webhook(shown(secret)).verify(message.payload, headers) is not None
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(new_secret())).verify(message.payload, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(new)).verify(message.payload + " ", headers)
