"""Ed25519 public keys as users register them (RFC 8032)."""

import base64
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MAX_CHARACTERS = 1000
"""A PEM file of an Ed25519 key has 113."""

_RAW = re.compile(r"[A-Za-z0-9_-]{43}=?", re.ASCII)

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
# y of the points whose order divides eight: anybody can make signatures that hold under such a key.
_Y_OF_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER = {0, 1, _P - 1, _Y_OF_ORDER_8, _P - _Y_OF_ORDER_8}


def ed25519_public_key(text: str) -> bytes:
    """The 32 bytes of a key in PEM (SubjectPublicKeyInfo) or in base64url.

    Raises ValueError for anything else, for what is no point of the curve in its only spelling
    (RFC 8032, 5.1.3), and for points of small order.
    """
    text = text.strip()
    if len(text) > MAX_CHARACTERS:
        raise ValueError("Too long.")
    key = _decoded(text)
    if not _is_safe(key):
        raise ValueError("No point of the curve, or one of small order.")
    return key


def in_base64url(key: bytes) -> str:
    """The 32 bytes as a JWK has them: base64url without padding (RFC 8037, 2)."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    if _RAW.fullmatch(text):
        key = base64.urlsafe_b64decode(text.rstrip("=") + "=")
        if in_base64url(key) != text.rstrip("="):
            raise ValueError("Bits behind the key.")
        return key
    try:
        loaded = load_pem_public_key(text.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("No key that is known.") from error
    if not isinstance(loaded, Ed25519PublicKey):
        raise ValueError("Not an Ed25519 key.")  # noqa: TRY004 - the text is wrong, not its type
    return loaded.public_bytes_raw()


def _is_safe(key: bytes) -> bool:
    y = int.from_bytes(key, "little") & (2**255 - 1)
    if y >= _P or y in _SMALL_ORDER:
        return False
    # x² = u / v has a root exactly when u·v is a square (Euler's criterion).
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    return pow(u * v, (_P - 1) // 2, _P) == 1
