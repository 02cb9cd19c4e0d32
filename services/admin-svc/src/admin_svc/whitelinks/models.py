"""The token of a whitelink, and the digest that is stored of it."""

import hashlib
import secrets

from shared.errors import NotFound


class WhitelinkNotFound(NotFound):
    """No whitelink in force has this token."""

    codes = ("whitelink.not_found",)


def new_token() -> str:
    """256 random bits, in hex."""
    return secrets.token_hex(32)


def digest(token: str) -> bytes:
    """The SHA-256 of a token, which is stored in its place."""
    return hashlib.sha256(token.encode()).digest()
