"""Secrets of API keys, sealed."""

from dataclasses import dataclass

from shared.crypto.key_ring import KeyRing
from shared.database.reencrypt import SealedColumn


@dataclass(frozen=True, slots=True)
class Seal:
    """A secret opens only for the key that it was sealed for."""

    ring: KeyRing

    def close(self, kid: str, secret: str) -> bytes:
        """The secret, encrypted for the table."""
        return self.ring.encrypt(secret.encode(), _context(kid))

    def open(self, kid: str, sealed: bytes) -> str:
        """The secret; raises `UndecryptableError`."""
        return self.ring.decrypt(sealed, _context(kid)).decode()


def _context(kid: str) -> str:
    return f"api_keys.secret:{kid}"


SEALED = SealedColumn("api_keys", "kid", "secret", _context)
"""The secrets of all API keys."""
