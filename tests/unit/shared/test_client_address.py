"""Whose address a call comes from."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.addresses import networks
from shared.web.client_address import client_address

TRUSTED = networks("10.0.0.0/8, 192.0.2.7, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        ("203.0.113.1", [], "203.0.113.1"),
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 198.51.100.1 ,10.0.0.9,192.0.2.7"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 2.2.2.2", "10.0.0.2"], "2.2.2.2"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("192.0.2.8", ["198.51.100.1"], "192.0.2.8"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["2001:DB8:0:0::1"], "2001:db8::1"),
        ("fd00::1", ["fe80::1%eth0"], "fe80::1"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, ::ffff:10.0.0.2"], "1.1.1.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, "], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1:1, 10.0.0.2:65535"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", ["[2001:db8::1]"], "2001:db8::1"),
        ("10.0.0.1", ["[::ffff:198.51.100.1]:443"], "198.51.100.1"),
        ("10.0.0.1", ["[fe80::1%eth0]:443"], "fe80::1"),
        ("10.0.0.1", ["1.1.1.1, [2001:db8::1"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, [2001:db8::1]443"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1:"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1:443:1"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1:http"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, [198.51.100.1]extra"], "10.0.0.1"),
        ("10.0.0.1", ["2001:db8::443"], "2001:db8::443"),
        ("10.0.0.1", ["010.1.1.1"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1\x00"], "10.0.0.1"),
        ("", ["198.51.100.1"], "0.0.0.0"),
        ("unix", ["198.51.100.1"], "0.0.0.0"),
    ],
)
def test_the_rightmost_untrusted_address_counts(
    peer: str, forwarded_for: list[str], expected: str
) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == ip_address(expected)


@given(st.lists(st.text()), st.ip_addresses())
def test_nothing_is_believed_of_who_is_not_trusted(chain: list[str], peer: object) -> None:
    assert client_address(str(peer), chain, ()) == client_address(str(peer), [], ())


@given(st.lists(st.text() | st.ip_addresses().map(str)), st.ip_addresses(v=4))
def test_what_a_caller_writes_never_counts_behind_a_proxy(
    invented: list[str], real: object
) -> None:
    chain = [*invented, str(real)]
    if not any(real in network for network in TRUSTED):
        assert client_address("10.0.0.1", chain, TRUSTED) == real
        assert client_address("10.0.0.1", [", ".join(chain)], TRUSTED) == real


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/40", "localhost", "10.0.0.0-10.0.0.9"])
def test_networks_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text.partition("/")[0]):
        networks(text)
