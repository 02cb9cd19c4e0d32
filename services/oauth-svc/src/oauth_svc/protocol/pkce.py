"""Proof Key for Code Exchange (RFC 7636), with S256 only."""

import base64
import hashlib
import hmac
import re

S256 = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def is_challenge(text: str) -> bool:
    """Whether this can be a challenge of the method S256."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str | None, challenge: str | None) -> bool:
    """Whether the verifier belongs to the challenge, or neither is there.

    A verifier without a challenge is refused: somebody removed the challenge from the request
    (RFC 9700, 2.1.1).
    """
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
