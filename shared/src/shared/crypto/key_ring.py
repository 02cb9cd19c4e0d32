"""A ring of AES-256-GCM keys for secrets at rest: the first encrypts, all decrypt."""

import base64
import binascii
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits, random


class UndecryptableError(Exception):
    """No key of the ring opens this secret, or it was not made for this context."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id, in the order in which they were configured."""

    keys: dict[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """A ring from `id:base64,id:base64`; raises ValueError that never repeats a key."""
        keys: dict[str, bytes] = {}
        for position, entry in enumerate(text.split(","), 1):
            key_id, _, encoded = entry.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not key_id.isalnum() or len(key) != 32 or key_id in keys:
                raise ValueError(
                    f"Key {position} is not `id:base64 of 32 bytes` with an id of its own."
                )
            keys[key_id] = key
        return cls(keys)

    @property
    def primary(self) -> tuple[str, bytes]:
        """Id and key that encrypt and sign."""
        return next(iter(self.keys.items()))

    @property
    def mark(self) -> bytes:
        """The beginning of every value that is sealed under the first key."""
        return self.primary[0].encode() + b":"

    def encrypt(self, secret: bytes, context: str) -> bytes:
        """`secret` sealed under the first key; only the same `context` opens it again.

        The context names the row and column, so that a sealed value moved elsewhere does not open.
        """
        _, key = self.primary
        nonce = os.urandom(_NONCE_BYTES)
        return self.mark + nonce + AESGCM(key).encrypt(nonce, secret, context.encode())

    def decrypt(self, sealed: bytes, context: str) -> bytes:
        """The secret that `encrypt` sealed; raises `UndecryptableError`."""
        key_id, _, body = sealed.partition(b":")
        key = self.keys.get(key_id.decode(errors="replace"))
        if key is None:
            raise UndecryptableError("sealed under a key that is not in the ring")
        try:
            return AESGCM(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):  # ValueError where the value is shorter than a nonce
            raise UndecryptableError("the seal is broken or belongs to another context") from None
