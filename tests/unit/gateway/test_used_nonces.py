"""Used nonces are stored for as long as they are valid, and no longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_gateway.authn.errors import NonceUsed
from authz_gateway.authn.nonces import UsedNonces
from shared.contracts.api_keys import Nonce
from shared.errors import Unavailable

LIFETIME = 50


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-LIFETIME, LIFETIME)), max_size=200))
def test_no_nonce_is_used_twice_while_it_can_be(calls: list[tuple[int, int]]) -> None:
    used, expected, now = UsedNonces(LIFETIME), set(), 1000
    for passed, off in calls:
        now += passed
        moment = now + off
        try:
            used.use(Nonce("kid", moment), now)
        except NonceUsed:
            assert moment in expected
        else:
            assert moment not in expected
        expected.add(moment)
        assert len(used) <= 4 * LIFETIME


def test_expired_nonces_are_forgotten() -> None:
    used = UsedNonces(LIFETIME)
    for moment in range(1000, 2000):
        used.use(Nonce("kid", moment), moment)
    assert len(used) <= 3 * LIFETIME


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(-LIFETIME, LIFETIME), st.sampled_from("ab")),
        max_size=200,
    )
)
def test_no_text_is_used_twice_while_it_is_stored(calls: list[tuple[int, int, str]]) -> None:
    """Whenever it was signed. A nonce is stored as long as its signature is valid."""
    used, ends, now = UsedNonces(LIFETIME), dict[str, int](), 1000
    for passed, off, text in calls:
        now += passed
        try:
            used.use(Nonce("kid", now + off, text), now)
        except NonceUsed:
            assert text in ends
        else:
            assert ends.get(text, 0) < now
            ends[text] = now + off + LIFETIME


def test_keys_do_not_share_nonces() -> None:
    used = UsedNonces(LIFETIME)
    used.use(Nonce("one", 1000), 1000)
    used.use(Nonce("two", 1000), 1000)
    used.use(Nonce("one", 1000, "1000"), 1000)
    used.use(Nonce("two", 1000, "1000"), 1000)


def test_without_capacity_calls_get_503() -> None:
    used = UsedNonces(LIFETIME, capacity=2)
    used.use(Nonce("kid", 1000), 1000)
    used.use(Nonce("kid", 1001), 1000)
    with pytest.raises(Unavailable):
        used.use(Nonce("kid", 1002), 1000)
    used.use(Nonce("kid", 2000), 2000)
