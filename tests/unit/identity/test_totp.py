"""Codes of the second factor: which step a code belongs to, and what authenticators are told."""

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_svc.second_factor.totp import matching_step, new_secret, otpauth_url

# RFC 6238, appendix B: the secret of the test vectors for SHA-1, and their last six digits.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("now", "code"), VECTORS)
def test_codes_are_those_of_rfc_6238(now: int, code: str) -> None:
    assert matching_step(SECRET, code, now) == now // 30


@given(now=st.integers(min_value=90, max_value=4_000_000_000), offset=st.integers(-3, 3))
def test_a_clock_may_be_off_by_one_step(now: int, offset: int) -> None:
    code = pyotp.TOTP(SECRET).at(now, counter_offset=offset)
    step = matching_step(SECRET, code, now)
    if abs(offset) <= 1:
        assert step is not None
        assert pyotp.TOTP(SECRET).generate_otp(step) == code
    else:  # another step may happen to have the same six digits
        assert step is None or pyotp.TOTP(SECRET).generate_otp(step) == code


@pytest.mark.parametrize("code", ["", "0", "abcdef", "28708", "2870822", "287 082", "x" * 1000])
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert matching_step(SECRET, code, 59) is None


def test_secrets_are_new_and_have_160_bits() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(pyotp.TOTP(secret).byte_secret()) == 20 for secret in secrets)


def test_the_url_is_what_authenticators_read() -> None:
    assert otpauth_url("ABC", "otp@example.com", "Barong") == (
        "otpauth://totp/Barong:otp@example.com"
        "?algorithm=SHA1&digits=6&issuer=Barong&period=30&secret=ABC"
    )


def test_the_url_bears_any_name_and_address() -> None:
    url = otpauth_url(SECRET, "a+b/c?d#e@example.com", "My Exchange & Co")
    parsed = pyotp.parse_uri(url)
    assert (parsed.name, parsed.issuer) == ("a+b/c?d#e@example.com", "My Exchange & Co")
