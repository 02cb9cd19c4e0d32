"""Ed25519 public keys: which are taken, in which spelling, and which would let anybody in."""

import base64
import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from resource_svc.api_keys.public_key import ed25519_public_key, in_base64url

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
IDENTITY = (0, 1)
# RFC 9421, B.1.4.
PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
"""
KEY = base64.b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")


def root(square: int) -> int | None:
    """RFC 8032, 5.1.3."""
    x = pow(square, (P + 3) // 8, P)
    for candidate in (x, x * pow(2, (P - 1) // 4, P) % P):
        if candidate * candidate % P == square % P:
            return candidate
    return None


def point(y: int) -> tuple[int, int] | None:
    x = root((y * y - 1) * pow(D * y * y + 1, -1, P) % P)
    return None if x is None else (x, y)


def doubled(a: tuple[int, int]) -> tuple[int, int]:
    """A point of the curve added to itself."""
    x, y = a
    k = D * x * x * y * y % P
    return 2 * x * y * pow(1 + k, -1, P) % P, (y * y + x * x) * pow(1 - k, -1, P) % P


def times_eight(a: tuple[int, int]) -> tuple[int, int]:
    return doubled(doubled(doubled(a)))


def points_of_small_order() -> list[int]:
    """The y of every point whose order divides eight, calculated from the curve."""
    # The double of one of order 8 has y = 0, so that x² = -y²: then d·y⁴ + 2·y² = 1.
    found = {0, 1, P - 1}
    half = root(1 + D)
    assert half is not None
    for each in (half, -half):
        y = root((each - 1) * pow(D, -1, P) % P)
        if y is not None:
            found |= {y, P - y}
    return sorted(found)


def encoded(y: int, sign: int = 0) -> str:
    return in_base64url((y | sign << 255).to_bytes(32, "little"))


@pytest.mark.parametrize(
    "text",
    [
        *(PEM, PEM.strip(), f"\n{PEM}\n", PEM.replace("\n", "\r\n")),
        *(in_base64url(KEY), in_base64url(KEY) + "=", f" {in_base64url(KEY)} "),
    ],
)
def test_a_key_is_read_in_either_spelling(text: str) -> None:
    assert ed25519_public_key(text) == KEY


@given(st.binary(min_size=32, max_size=32))
def test_every_key_that_is_made_is_taken(seed: bytes) -> None:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    raw = public.public_bytes_raw()
    assert ed25519_public_key(pem) == ed25519_public_key(in_base64url(raw)) == raw


def test_the_points_of_small_order_are_those() -> None:
    ys = points_of_small_order()
    assert len(ys) == 5
    for y in ys:
        found = point(y)
        assert found is not None
        assert times_eight(found) == IDENTITY


@pytest.mark.parametrize("sign", [0, 1])
def test_what_anybody_can_sign_with_is_refused(sign: int) -> None:
    spelled = points_of_small_order()
    for y in (*spelled, *(y + P for y in spelled if y + P < 2**255)):
        with pytest.raises(ValueError, match="small order"):
            ed25519_public_key(encoded(y, sign))


def test_what_is_no_point_in_its_only_spelling_is_refused() -> None:
    beside = [y for y in range(2, 60) if point(y) is None]
    assert len(beside) > 20
    for y in (*beside, *range(P, 2**255)):
        with pytest.raises(ValueError, match="point"):
            ed25519_public_key(encoded(y))
    for y in set(range(2, 60)) - set(beside):
        assert ed25519_public_key(encoded(y))


def pem_of(private_key: ec.EllipticCurvePrivateKey | X25519PrivateKey) -> str:
    public = private_key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "x" * 43, "é" * 43, in_base64url(KEY[:-1]), in_base64url(KEY + b"\0")),
        in_base64url(KEY)[:-1] + "t",  # bits behind the last byte
        base64.b64encode(KEY).decode(),  # `/` and `+` are not base64url
        KEY.hex(),
        PEM.replace("PUBLIC", "PRIVATE"),
        PEM[:60],
        PEM + "x" * 1000,
        PEM.replace("MCow", "AAAA"),
        pem_of(ec.generate_private_key(ec.SECP256R1())),
        pem_of(X25519PrivateKey.generate()),
    ],
)
def test_what_is_no_ed25519_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ed25519_public_key(text)


@given(st.text(max_size=120) | st.text("-BEGIN PUBLKYD\n=", max_size=120))
def test_whatever_is_sent_is_a_key_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert len(ed25519_public_key(text)) == 32
