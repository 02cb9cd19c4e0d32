"""What counts as one network and as one account."""

from ipaddress import ip_address

import pytest

from identity_svc.throttling.models import folded, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ],
)
def test_network(address: str, network: str) -> None:
    assert network_of(ip_address(address)) == network


@pytest.mark.parametrize(
    ("account", "same"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        (" alice@example.com\n", "alice@example.com"),
        ("AL\u0130CE@example.com", "alice@example.com"),
        ("\u039f\u03a3@example.com", "\u03bf\u03c3@example.com"),
        ("", ""),
    ],
)
def test_spellings_of_one_account_are_one(account: str, same: str) -> None:
    assert folded(account) == same
