"""Argon2id in a bounded pool of threads: many log-ins queue here and slow nothing else."""

import asyncio
import contextlib
import os
import secrets
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import CollectorRegistry, Gauge

from shared.text import composed

T = TypeVar("T")

# OWASP's second recommendation for Argon2id: 19 MiB, two passes, one lane.
_ARGON2 = Argon2(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)

_NICE = 10

_BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
_BCRYPT_BYTES = 72


class PasswordHasher:
    """Hashes and verifies; it is opened before use, so that its threads end with the service."""

    def __init__(self, threads: int, registry: CollectorRegistry | None = None) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._decoy = _ARGON2.hash(secrets.token_urlsafe())
        self._waiting = Gauge(
            "passwords_waiting", "Passwords being hashed, or waiting to be.", registry=registry
        )

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps the threads alive for the time of the block."""
        with ThreadPoolExecutor(self._threads, "argon2", _give_way) as self._pool:
            yield

    async def digest(self, password: str) -> str:
        """The digest to store, which is that of the composed text (NFC)."""
        return await self._in_pool(lambda: _ARGON2.hash(composed(password)))

    async def verify(
        self, digest: str | None, password: str, bcrypt_cost: int | None = None
    ) -> bool:
        """Whether the password is right, composed or as it was typed; without a digest it is wrong.

        A wrong one takes the same time whatever the digest is and whether there is one, when
        `bcrypt_cost` is that of the slowest bcrypt digest there is, or None while there is none.
        """
        for text in dict.fromkeys((composed(password), password)):
            if await self._in_pool(partial(self._verify, digest, text, bcrypt_cost)):
                return True
        return False

    def _verify(self, digest: str | None, password: str, bcrypt_cost: int | None) -> bool:
        if digest is not None and _matches(digest, password):
            return True
        imported = digest is not None and _is_bcrypt(digest)
        if digest is None or imported:
            _matches(self._decoy, password)
        if bcrypt_cost is not None and not imported:
            _matches(_bcrypt_decoy(bcrypt_cost), password)
        return False

    async def _in_pool(self, work: Callable[[], T]) -> T:
        with self._waiting.track_inprogress():
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _give_way() -> None:
    """Lowers the thread's priority: the event loop must not wait for a core that hashes."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def outdated(digest: str) -> bool:
    """Whether a digest is of another kind than new ones are."""
    return _is_bcrypt(digest) or _ARGON2.check_needs_rehash(digest)


def _matches(digest: str, password: str) -> bool:
    try:
        if _is_bcrypt(digest):
            # Ruby's bcrypt, which made these digests, looked at no more; the library refuses more.
            return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], digest.encode())
        return _ARGON2.verify(digest, password)
    except (VerificationError, InvalidHashError, ValueError):
        return False


def _is_bcrypt(digest: str) -> bool:
    return digest.startswith(_BCRYPT_PREFIXES)


def _bcrypt_decoy(cost: int) -> str:
    return f"$2b${cost:02}${'.' * 53}"
