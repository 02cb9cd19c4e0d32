"""Fetches the key sets of clients, and caches them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client import Counter

from oauth_svc.core import Core
from oauth_svc.key_sets.models import UnsoundKeySet, keys_of
from oauth_svc.metadata_documents.http import DocumentFetcher
from oauth_svc.metadata_documents.models import (
    DocumentRefused,
    DocumentUnreachable,
    TooManyFetches,
)

MAX_SETS = 1000
"""The largest number of key sets in memory, of each kind of clients."""

MAX_SET_BYTES = 32 * 1024
PAUSE_SECONDS = 10.0
"""A set is fetched for an unknown key, and after a failure, once in this time at most."""

_WHAT = "key set"
TAKEN, REFUSED, UNREACHABLE = "taken", "refused", "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """The cache entry of an address: its keys, and how the last attempt to fetch them failed."""

    keys: Mapping[str, Any] | None
    ends_at: float
    tried_at: float
    failure: Callable[[], DocumentRefused] | None

    def has(self, kid: str | None, now: float) -> bool:
        """Whether the keys have not expired, and have this one."""
        if self.keys is None or now >= self.ends_at:
            return False
        return kid is None or any(key.get("kid") == kid for key in self.keys["keys"])


class KeySets:
    """Key sets by their address.

    Each is fetched when it is needed first, when it has expired, and for a key that it does not
    have. Calls that come meanwhile wait for the same answer.
    """

    def __init__(
        self,
        fetcher: DocumentFetcher,
        fetched: Counter,
        *,
        capacity: int = MAX_SETS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fetcher = fetcher
        self._fetched = fetched
        self._capacity = capacity
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._under_way: dict[str, asyncio.Task[_Entry]] = {}

    async def get(self, url: str, kid: str | None) -> Mapping[str, Any]:
        """The key set, with the key `kid` if the client has published it.

        Raises `DocumentRefused`, or `DocumentUnreachable` if another attempt may succeed.
        """
        entry, now = self._entries.get(url), self._clock()
        if entry is None or not (entry.has(kid, now) or now - entry.tried_at < PAUSE_SECONDS):
            entry = await self._fetch_once(url)
            now = self._clock()
        if entry.failure is not None and not entry.has(kid, now):
            raise entry.failure()
        if entry.keys is None:
            raise DocumentUnreachable("cannot be fetched now", _WHAT)
        return entry.keys

    async def _fetch_once(self, url: str) -> _Entry:
        task = self._under_way.get(url)
        if task is None:
            task = self._under_way[url] = asyncio.create_task(self._fetch(url))
            task.add_done_callback(partial(self._fetched_once, url))
        return await asyncio.shield(task)

    def _fetched_once(self, url: str, task: "asyncio.Task[_Entry]") -> None:
        del self._under_way[url]
        if not task.cancelled():
            task.exception()  # whoever waited for it may have left

    async def _fetch(self, url: str) -> _Entry:
        before, now = self._entries.get(url), self._clock()
        kept = before if before is not None and now < before.ends_at else None
        try:
            fetched = await self.fetcher.fetch(url)
            keys = keys_of(fetched.document)
        except TooManyFetches:
            raise  # nobody was called, so that whoever comes next may try
        except DocumentUnreachable as failure:
            # Keys that have not expired count on: a client's host may be away for a while.
            self._fetched.labels(UNREACHABLE).inc()
            why = failure.why
            entry = _Entry(
                keys=None if kept is None else kept.keys,
                ends_at=now if kept is None else kept.ends_at,
                tried_at=now,
                failure=lambda: DocumentUnreachable(why, _WHAT),
            )
        except (DocumentRefused, UnsoundKeySet) as failure:
            self._fetched.labels(REFUSED).inc()
            why = failure.why if isinstance(failure, DocumentRefused) else str(failure)
            entry = _Entry(
                keys=None,
                ends_at=now,
                tried_at=now,
                failure=lambda: DocumentRefused(why, _WHAT),
            )
        else:
            self._fetched.labels(TAKEN).inc()
            entry = _Entry(keys=keys, ends_at=now + fetched.seconds, tried_at=now, failure=None)
        self._remember(url, entry)
        return entry

    def _remember(self, url: str, entry: _Entry) -> None:
        self._entries.pop(url, None)  # so that it is the newest
        self._entries[url] = entry
        if len(self._entries) > self._capacity:
            del self._entries[next(iter(self._entries))]


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """Key sets of clients that somebody has registered, and of those with a metadata document.

    They share neither memory nor connections: whoever publishes many documents holds up no client
    that is registered.
    """

    registered: KeySets
    published: KeySets


def build(core: Core) -> ClientKeys:
    """Wires the feature."""
    fetched = Counter(
        "oauth_key_sets",
        "Key sets of clients that were fetched, by outcome.",
        ("outcome",),
        registry=core.registry,
    )
    for outcome in (TAKEN, REFUSED, UNREACHABLE):  # exported as 0 from the start
        fetched.labels(outcome)

    def made() -> KeySets:
        fetcher = DocumentFetcher(core.settings.allowed_networks, _WHAT, MAX_SET_BYTES)
        return KeySets(fetcher, fetched)

    return ClientKeys(made(), made())
