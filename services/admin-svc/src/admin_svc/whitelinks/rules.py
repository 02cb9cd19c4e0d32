"""What a whitelink's token is, and how it is kept."""

import hashlib
import secrets

from shared.errors import NotFound


class WhitelinkNotFound(NotFound):
    """No living whitelink has this token."""

    codes = ("whitelink.not_found",)


def new_token() -> str:
    """256 random bits, in hex."""
    return secrets.token_hex(32)


def digest(token: str) -> bytes:
    """What a token is kept as: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()
