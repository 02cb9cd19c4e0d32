"""A new subscriber starts from the state of things, while everything changes."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aio_pika.abc import AbstractQueue

from shared.contracts.topology import EVENTS
from shared.messaging.broker import connected
from tests.support.client import Client
from tests.support.system import Installation
from tests.support.waiting import until

State = dict[tuple[str, str], tuple[int, Any]]
"""Version and contents of each part of each user."""


@dataclass(slots=True)
class Replica:
    """What the subscriber has: of each part the newest version that it was told."""

    state: State = field(default_factory=dict)
    from_events: int = 0

    def apply(self, uid: str, kind: str, version: int, contents: Any) -> bool:
        if (uid, kind) in self.state and self.state[uid, kind][0] >= version:
            return False
        self.state[uid, kind] = version, contents
        return True

    def apply_users(self, page: list[Mapping[str, Any]]) -> None:
        for each in page:
            self.apply(each["uid"], "user", each["user"]["version"], each["user"])
            for one in each["sets"]:
                self.apply(one["uid"], one["kind"], one["version"], one["records"])

    def apply_event(self, body: bytes) -> None:
        payload = json.loads(body)["payload"]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        snapshot = claims.get("snapshot", {})
        if claims["event"]["name"].startswith("model.user."):
            new = self.apply(snapshot["uid"], "user", snapshot["version"], snapshot)
        elif one := snapshot.get("attachments"):
            new = self.apply(one["uid"], one["kind"], one["version"], one["records"])
        else:
            return
        self.from_events += new

    async def catch_up(self, queue: AbstractQueue) -> None:
        """Applies what waits in the queue."""
        while message := await queue.get(no_ack=True, fail=False):
            self.apply_event(message.body)


async def pages(admin: Client, limit: int) -> AsyncIterator[list[Mapping[str, Any]]]:
    """The snapshot, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        answer = await admin.get("admin/snapshots/users", params={"limit": limit, "cursor": cursor})
        assert (answer.status, answer.headers["Per-Page"]) == (200, str(limit))
        yield answer.body
        cursor = answer.headers.get("Next-Cursor")


async def the_truth(admin: Client) -> State:
    whole = Replica()
    async for page in pages(admin, 500):
        whole.apply_users(page)
    return whole.state


async def live(person: Client, turns: list[int], number: int) -> None:
    """Changes themself and their labels for as long as the task runs."""
    for turn in count():
        await person.post("resource/labels", {"key": "turn", "value": f"v{turn}"})
        await person.call("PATCH", "resource/labels/turn", {"value": f"w{turn}"})
        await person.call("PUT", "resource/users/me", {"data": json.dumps({"turn": turn})})
        await person.call("DELETE", "resource/labels/turn")
        async with Client(person.system) as newcomer:
            await newcomer.sign_up()
        turns[number] += 1


@asynccontextmanager
async def lively(people: list[Client]) -> AsyncIterator[list[int]]:
    """Everybody changes something all the time; gives the numbers of their turns."""
    turns = [0] * len(people)
    lives = [asyncio.create_task(live(each, turns, n)) for n, each in enumerate(people)]
    try:
        yield turns
    finally:
        for each in lives:
            each.cancel()
        await asyncio.gather(*lives, return_exceptions=True)


async def test_who_binds_then_reads_then_applies_events_knows_everything(
    admin: Client, system: Installation
) -> None:
    replica = Replica()
    known = len({uid for uid, _ in await the_truth(admin)})
    async with (
        AsyncExitStack() as stack,
        connected(system.environments["identity"]["AMQP_URL"], "test") as connection,
    ):
        people = [await stack.enter_async_context(Client(system)) for _ in range(4)]
        for person in people:
            await person.become_member()
        channel = await connection.channel()
        async with lively(people) as turns:

            async def all_began() -> bool:
                return min(turns) > 0

            await until(all_began)
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(EVENTS, "model.#")
            async for page in pages(admin, max(2, known // 20)):
                replica.apply_users(page)
            read, before = list(turns), len(replica.state)

            async def all_went_on() -> bool:
                return all(now > then for now, then in zip(turns, read, strict=True))

            await until(all_went_on)

        async def agrees() -> bool:
            await replica.catch_up(queue)
            return replica.state == await the_truth(admin)

        await until(agrees)
    assert replica.from_events > 0
    assert len(replica.state) > before
