"""The key ring: rotation, tampering, and what it never repeats."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crypto.key_ring import KeyRing, UndecryptableError
from tests.unit.shared.builders import KEYS

KEY = base64.b64encode(bytes(32)).decode()
RING = KeyRing.parse(KEYS)


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_for_the_same_context_only(secret: bytes, context: str) -> None:
    sealed = RING.encrypt(secret, context)

    assert RING.decrypt(sealed, context) == secret
    with pytest.raises(UndecryptableError):
        RING.decrypt(sealed, context + "x")


def test_old_secrets_open_after_a_rotation_and_new_ones_need_the_new_key() -> None:
    before, after = KeyRing.parse(KEYS.split(",")[1]), KeyRing.parse(KEYS)

    assert after.decrypt(before.encrypt(b"secret", "c"), "c") == b"secret"
    with pytest.raises(UndecryptableError):
        before.decrypt(after.encrypt(b"secret", "c"), "c")


def test_the_same_secret_is_never_sealed_alike() -> None:
    assert RING.encrypt(b"secret", "c") != RING.encrypt(b"secret", "c")
    assert b"secret" not in RING.encrypt(b"secret", "c")


@given(st.data())
def test_a_seal_with_one_bit_changed_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(RING.encrypt(b"secret", "c"))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(UndecryptableError):
        RING.decrypt(bytes(sealed), "c")


@given(st.integers(0, 200), st.binary(max_size=64))
def test_what_is_no_seal_does_not_open(length: int, junk: bytes) -> None:
    sealed = RING.encrypt(b"secret", "c")
    for broken in (sealed[: min(length, len(sealed) - 1)], junk, b"new:" + junk):
        with pytest.raises(UndecryptableError):
            RING.decrypt(broken, "c")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        KEY,
        f":{KEY}",
        f"{KEY}:a",
        "a:",
        f"a:{KEY},a:{KEY}",
        f"a:{KEY},",
        f"a-b:{KEY}",
        f"a: {KEY}",
        f"a:{KEY[:-4]}",
        f"a:{KEY}{KEY}",
        "a:" + "é" * 44,
        "a:" + base64.b64encode(b"x" * 16).decode(),
        "a:" + base64.b64encode(b"x" * 33).decode(),
    ],
)
def test_a_bad_configuration_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Key \d is not `id:base64 of 32 bytes`") as raised:
        KeyRing.parse(text)

    assert KEY[:16] not in str(raised.value)


def test_keys_do_not_show() -> None:
    assert repr(RING) == "KeyRing()"
