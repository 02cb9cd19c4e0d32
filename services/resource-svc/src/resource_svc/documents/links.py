"""Links to uploaded files, which expire after a while."""

import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import quote

from resource_svc.documents.bucket import Bucket
from resource_svc.documents.models import BadLink
from shared.crypto.key_ring import KeyRing

_PATH = "/api/v2/barong/resource/uploads/"


class Links(Protocol):
    """Signs links."""

    async def sign(self, keys: Sequence[str]) -> Sequence[str]:
        """A link for each object; raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class PresignedLinks:
    """Links to the storage, which checks them."""

    storage: Bucket
    life: timedelta

    async def sign(self, keys: Sequence[str]) -> Sequence[str]:
        """URLs of the storage; raises `Unavailable`."""
        return await self.storage.sign(keys, self.life) if keys else ()


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """Links to GET /uploads/{key}, for a storage that cannot be reached from outside."""

    ring: KeyRing
    life: timedelta
    clock: Callable[[], float] = time.time

    async def sign(self, keys: Sequence[str]) -> Sequence[str]:
        """Paths at the gateway."""
        expires = int(self.clock() + self.life.total_seconds())
        _, master = self.ring.primary
        return [
            f"{_PATH}{quote(key)}?expires={expires}&signature={_signature(master, key, expires)}"
            for key in keys
        ]

    def check(self, key: str, expires: str, signature: str) -> None:
        """Raises `BadLink`, unless the link is one of ours and has not expired."""
        until = int(expires) if expires.isdecimal() and len(expires) <= 12 else 0
        genuine = [
            hmac.compare_digest(_signature(master, key, until).encode(), signature.encode())
            for master in self.ring.keys.values()
        ]
        if not any(genuine) or until < self.clock():
            raise BadLink


def _signature(master: bytes, key: str, expires: int) -> str:
    derived = hmac.digest(master, b"upload links", "sha256")
    return hmac.digest(derived, f"{expires}:{key}".encode(), "sha256").hex()
