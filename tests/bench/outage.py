"""What ten minutes without a broker leave behind, under load: what is lost, late or done twice."""

import asyncio
import json
import os
import time
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aio_pika.abc import AbstractIncomingMessage

from shared.contracts.events import subject_of
from shared.contracts.topology import EVENTS
from shared.messaging.broker import connected, declare_topology
from tests.bench.installed import Bench, installed
from tests.bench.row import Row
from tests.support.gate import Gate
from tests.support.system import PASSWORD
from tests.support.waiting import until

OUTAGE_SECONDS = float(os.environ.get("BARONG_OUTAGE_SECONDS", "600"))
_BEFORE_SECONDS = 10.0
_PAUSE_SECONDS = 0.3
_SETTLE_SECONDS = 600
_OWNERS = ("identity", "resource", "admin", "webhooks")


def rows() -> Iterator[Row]:
    """Six services whose way to RabbitMQ is shut, while people sign up and set labels."""
    mails: list[str] = []
    with installed(mails.append) as bench:
        yield from asyncio.run(_measured(bench, mails))


@dataclass(slots=True)
class _Load:
    """Sign-ups, each followed by a label, one after the other."""

    bench: Bench
    emails: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def first_failure(self) -> str:
        return f": {self.failed[0]}" if self.failed else ""

    async def run(self) -> None:
        async with aiohttp.ClientSession() as http:
            while True:
                email = f"{len(self.emails)}-{time.monotonic_ns()}@example.com"
                form = {"email": email, "password": PASSWORD}
                if bearer := await self._called(http, "identity/users", form, ""):
                    self.emails.append(email)
                    label = {"key": "colour", "value": "blue"}
                    await self._called(http, "resource/labels", label, bearer)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _called(self, http: aiohttp.ClientSession, path: str, form: Any, bearer: str) -> str:
        """The bearer of the answer; blank if the call failed."""
        url = f"{self.bench.system.gateway_url}/api/v2/barong/{path}"
        async with http.post(url, data=form, headers={"Authorization": bearer}) as response:
            if response.status != 201:
                self.failed.append(f"{path}: {response.status} {await response.text()}")
                return ""
            return response.headers.get("Authorization", "")


async def _measured(bench: Bench, mails: Sequence[str]) -> list[Row]:
    broker = bench.system.environments["identity"]["AMQP_URL"]
    async with Gate.before(broker) as gate, _theirs(broker) as received:
        await gate.open()
        environments = {
            name: {**each, "AMQP_URL": gate.url} for name, each in bench.system.environments.items()
        }
        gated = replace(bench, system=replace(bench.system, environments=environments))
        load = _Load(gated)
        async with _running(gated):
            task = asyncio.create_task(load.run())
            await asyncio.sleep(_BEFORE_SECONDS)
            already = len(load.emails)
            await gate.shut()
            await asyncio.sleep(OUTAGE_SECONDS)  # the outage itself
            meanwhile = len(load.emails) - already
            waiting = sum([await _waiting(bench, owner) for owner in _OWNERS])
            await gate.open()
            back = time.monotonic()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            drained = await _settled(bench, load, mails, received) - back
        published = {owner: await _published(bench, owner) for owner in _OWNERS}
        mailed = _mailed(mails)
        wrong = [email for email in load.emails if mailed[email] != 1]
        known = set(await _column(bench, "SELECT email FROM admin.users"))
        everything = {row["event_id"] for rows in published.values() for row in rows}
        ids = [each for each, _ in received]
        return [
            Row("the way to the broker was shut for", OUTAGE_SECONDS, "s"),
            Row("sign-ups meanwhile, each with a label", meanwhile, ""),
            Row(f"calls that failed{load.first_failure}", len(load.failed), "", 1),
            Row("events that waited at the end of it", waiting, ""),
            Row("from its end until all were published, and had their effects", drained, "s"),
            Row("of all events, lost", len(everything - set(ids)), "", 1),
            Row("of all events, out of a user's order", _disorder(published, ids), "", 1),
            Row("messages that came twice", len(ids) - len(set(ids)), ""),
            Row("people with no mail, or more than one", len(wrong), "", 1),
            Row("people whom admin-svc does not know", len(set(load.emails) - known), "", 1),
        ]


@asynccontextmanager
async def _running(bench: Bench) -> AsyncIterator[None]:
    """All services; the gate has to pass bytes while they start."""
    running = bench.running()
    await asyncio.to_thread(running.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


@asynccontextmanager
async def _theirs(url: str) -> AsyncIterator[list[tuple[str, str]]]:
    """What a queue of somebody's gets: ids and users, in order."""
    received: list[tuple[str, str]] = []

    async def receive(message: AbstractIncomingMessage) -> None:
        claims = json.loads(urlsafe_b64decode(json.loads(message.body)["payload"] + "=="))
        received.append((claims["jti"], subject_of(claims["event"]["record"])))

    async with connected(url, "bench") as connection:
        channel = await connection.channel()
        await declare_topology(channel)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(EVENTS, "#")
        await queue.consume(receive, no_ack=True)
        yield received


async def _settled(
    bench: Bench, load: _Load, mails: Sequence[str], received: Sequence[tuple[str, str]]
) -> float:
    """When nothing waited any more, and everybody had their mail and was known to admin-svc."""

    async def done() -> bool:
        if any([await _waiting(bench, owner) for owner in _OWNERS]):
            return False
        events = sum([len(await _published(bench, owner)) for owner in _OWNERS])
        known = set(await _column(bench, "SELECT email FROM admin.users"))
        return (
            len({each for each, _ in received}) >= events
            and set(load.emails) <= known
            and set(load.emails) <= set(_mailed(mails))
        )

    await until(done, _SETTLE_SECONDS)
    return time.monotonic()


async def _waiting(bench: Bench, owner: str) -> int:
    async with bench.database.connected() as connection:
        count: int = await connection.fetchval(
            f"SELECT count(*) FROM {owner}.outbox WHERE published_at IS NULL"
        )
    return count


async def _published(bench: Bench, owner: str) -> list[Mapping[str, Any]]:
    """The archive of a service in the order of its outbox."""
    async with bench.database.connected() as connection:
        rows = await connection.fetch(
            f"SELECT event_id::text, uid FROM {owner}.events WHERE uid IS NOT NULL ORDER BY id"
        )
    return [dict(row) for row in rows]


async def _column(bench: Bench, query: str) -> list[Any]:
    async with bench.database.connected() as connection:
        return [row[0] for row in await connection.fetch(query)]


def _disorder(published: Mapping[str, Sequence[Mapping[str, Any]]], ids: Sequence[str]) -> int:
    """How many events of a service came for the first time after a later one of the same user."""
    came = {each: place for place, each in enumerate(dict.fromkeys(ids))}
    disorder = 0
    for rows in published.values():
        newest: dict[str, int] = {}
        for row in rows:
            place = came.get(row["event_id"], -1)
            disorder += place < newest.get(row["uid"], -1)
            newest[row["uid"]] = max(place, newest.get(row["uid"], -1))
    return disorder


def _mailed(mails: Sequence[str]) -> Counter[str]:
    """How many mails each address got, of what the mail server said."""
    return Counter(each.split(" ")[2].rstrip(":") for each in mails)
