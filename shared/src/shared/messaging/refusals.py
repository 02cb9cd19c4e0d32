"""What queues refuse: counted, and named where RabbitMQ's management API is known."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import structlog
from aio_pika.abc import AbstractConnection, UnderlayConnection
from prometheus_client import CollectorRegistry, Counter, Gauge
from yarl import URL

from shared.contracts.topology import EVENTS, LEGACY_PREFIXES
from shared.messaging.supervision import supervised
from shared.reasons import reason_of

log = structlog.get_logger()

UNKNOWN = "unknown"
"""The queue's name where the management API is not known, or does not say."""

_POLL_SECONDS = 15.0
_REMEMBER_SECONDS = 60.0
_LOG_SECONDS = 60.0
_CALL_SECONDS = 5.0
_BLOCKED_POLL_SECONDS = 0.5
_AT_ONCE_SECONDS = 0.05  # aiormq has no other public way to ask whether a connection is blocked
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_MAX_EXCHANGES, _MAX_QUEUES, _MAX_NAMED = 20, 500, 20
_REFUSING = ("reject-publish", "reject-publish-dlx")
_NEARLY = 0.9  # a queue that is limited in bytes refuses a message that does not fit


class ManagementApi:
    """RabbitMQ's management API, as far as it tells which queues refuse messages.

    The user needs the tag `monitoring`, or `management` with access to the virtual host.
    """

    def __init__(self, url: str, vhost: str) -> None:
        address = URL(url)
        self._url = address.with_user(None)
        self._authorization = aiohttp.encode_basic_auth(
            address.user or "guest", address.password or "guest"
        )
        self._vhost = quote(vhost, safe="")

    async def refusing(self) -> list[str]:
        """The names of the queues behind our exchanges that refuse messages, at most 20.

        Raises `ValueError`, or what aiohttp raises, when the API does not answer as it should.
        """
        timeout = aiohttp.ClientTimeout(_CALL_SECONDS)
        headers = {"Authorization": self._authorization}
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
            names = await self._bound(http)
            found = [name for name in names if _refuses(await self._get(http, "queues", name))]
        return found[:_MAX_NAMED]

    async def _bound(self, http: aiohttp.ClientSession) -> list[str]:
        """The queues that are bound to our exchanges, directly or through other exchanges."""
        exchanges = [EVENTS, *(f"{EVENTS}.{prefix}" for prefix in LEGACY_PREFIXES)]
        queues: dict[str, None] = {}
        for exchange in exchanges:  # which grows meanwhile
            for binding in await self._get(http, "exchanges", exchange, "bindings", "source"):
                name = str(binding["destination"])
                if binding["destination_type"] == "queue":
                    queues[name] = None
                elif name not in exchanges and len(exchanges) < _MAX_EXCHANGES:
                    exchanges.append(name)
        return list(queues)[:_MAX_QUEUES]

    async def _get(self, http: aiohttp.ClientSession, kind: str, name: str, *rest: str) -> Any:
        path = "/".join(("api", kind, self._vhost, quote(name, safe=""), *rest))
        address = URL(f"{str(self._url).rstrip('/')}/{path}", encoded=True)
        async with http.get(address, allow_redirects=False) as response:
            if response.status == HTTPStatus.NOT_FOUND:
                return {} if kind == "queues" else []  # deleted meanwhile
            if response.status != HTTPStatus.OK:
                raise ValueError(f"{kind}: {response.status}")
            if (response.content_length or 0) > _MAX_ANSWER_BYTES:
                raise ValueError(f"{kind}: the answer is too long")
            return await response.json()


def management_api(url: str, broker_url: str) -> ManagementApi | None:
    """The API for the virtual host of `broker_url`; None where `url` is blank."""
    vhost = URL(broker_url).path.removeprefix("/")
    return ManagementApi(url, vhost or "/") if url else None


def _refuses(queue: Mapping[str, Any]) -> bool:
    """Whether a queue, as the management API describes it, refuses messages now."""
    members, online = queue.get("members"), queue.get("online")
    if isinstance(members, list) and isinstance(online, list) and 2 * len(online) <= len(members):
        return True
    if queue.get("state", "running") in ("crashed", "down", "stopped"):
        return True
    sources: list[Mapping[str, Any]] = [
        {key.removeprefix("x-"): value for key, value in (queue.get("arguments") or {}).items()},
        queue.get("effective_policy_definition") or {},
    ]
    if not any(source.get("overflow") in _REFUSING for source in sources):
        return False
    return any(
        (limit := source.get(name)) is not None and queue.get(measure, 0) >= float(limit) * share
        for source in sources
        for name, measure, share in (
            ("max-length", "messages", 1),
            ("max-length-bytes", "message_bytes", _NEARLY),
        )
    )


class Refusals:
    """The trouble that one relay has with destinations, for its metrics and its log."""

    def __init__(
        self,
        registry: CollectorRegistry,
        management: ManagementApi | None = None,
        *,
        poll_seconds: float = _POLL_SECONDS,
        remember_seconds: float = _REMEMBER_SECONDS,
    ) -> None:
        self.blocked = False
        self._management = management
        self._poll_seconds = poll_seconds
        self._remember_seconds = remember_seconds
        self._last = float("-inf")
        self._logged: dict[tuple[str, str], float] = {}
        self._happened = asyncio.Event()
        self._refused = Counter(
            "outbox_refused",
            "Events that a queue refused or did not confirm, by exchange or own queue.",
            ("destination",),
            registry=registry,
        )
        self._queues = Gauge(
            "outbox_refusing_queue", "1 for a queue that refuses.", ("queue",), registry=registry
        )
        Gauge(
            "outbox_connection_blocked",
            "1 while the broker accepts no messages, for lack of memory or disk space.",
            registry=registry,
        ).set_function(lambda: float(self.blocked))

    def note(self, destination: str, event_name: str) -> None:
        """Notes that a queue behind an exchange, or an own queue, refused an event."""
        self._refused.labels(destination).inc()
        self._last = now = time.monotonic()
        self._happened.set()
        key = destination, event_name
        if now - self._logged.get(key, float("-inf")) > _LOG_SECONDS:
            self._logged[key] = now
            log.warning("event_refused", destination=destination, event_name=event_name)

    @asynccontextmanager
    async def watched(self, connection: AbstractConnection) -> AsyncIterator[None]:
        """Watches a relay's connection and looks for refusing queues, for the time of the block."""
        async with (
            supervised("blocked connection", lambda: self._watch(connection)),
            supervised("refusing queues", self._look),
        ):
            try:
                yield
            finally:
                self.blocked = False
                self._queues.clear()

    async def _watch(self, connection: AbstractConnection) -> None:
        transport = cast(UnderlayConnection, connection.transport).connection
        while True:
            try:
                async with asyncio.timeout(_AT_ONCE_SECONDS):
                    await transport.ready()
                self.blocked = False
            except TimeoutError:
                self.blocked = True
            await asyncio.sleep(_BLOCKED_POLL_SECONDS)

    async def _look(self) -> None:
        while True:
            await self._happened.wait()
            while time.monotonic() - self._last < self._remember_seconds:
                self._show(await self._find())
                await asyncio.sleep(self._poll_seconds)
            self._happened.clear()
            self._queues.clear()

    async def _find(self) -> list[str]:
        if self._management is None:
            return [UNKNOWN]
        try:
            return await self._management.refusing() or [UNKNOWN]
        except (aiohttp.ClientError, OSError, ValueError, LookupError, TypeError) as error:
            log.warning("management_api_fails", error=reason_of(error))
            return [UNKNOWN]

    def _show(self, names: Iterable[str]) -> None:
        self._queues.clear()
        for name in names:
            self._queues.labels(name).set(1)
