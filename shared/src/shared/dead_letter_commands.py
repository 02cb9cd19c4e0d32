"""`dead-letters list`, `show`, `replay` and `drop`: dead letters on the command line."""

import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from shared.command_line import Argument, Command, CommandFailed, asynchronous
from shared.contracts.topology import Subscription
from shared.messaging.dead_letters import DeadLetter, NoDeadLetter, drop, look, replay
from shared.settings import ServiceSettings

_QUEUE = Argument("--queue", "only of this queue", takes="QUEUE")
_EVENT = Argument("--event", "only the event with this id", takes="ID")


@dataclass(frozen=True, slots=True)
class _DeadLetters:
    """The dead letters of a service's queues, the oldest thousand of each."""

    settings: Callable[[], ServiceSettings]
    subscriptions: Sequence[Subscription]

    async def list_all(self, queue: str | None) -> None:
        async with aclosing(self._letters(queue, None)) as letters:
            async for _, letter in letters:
                sys.stdout.write(f"{letter.event_id}  {letter.name}  {letter.reason}\n")

    async def show(self, queue: str | None, event: str | None) -> None:
        found = False
        async with aclosing(self._letters(queue, event)) as letters:
            async for of, letter in letters:
                found = True
                said = {
                    "queue": of.queue,
                    "id": letter.event_id,
                    "name": letter.name,
                    "reason": letter.reason,
                    "contents": letter.contents(),
                }
                sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
        if event is not None and not found:
            raise CommandFailed(f"there is no dead letter {event}")

    async def replay(self, queue: str | None, event: str | None) -> None:
        await self._act(replay, "are back in {}", queue, event)

    async def drop(self, queue: str | None, event: str | None, everything: bool) -> None:
        if (event is None) is not everything:
            raise CommandFailed("either --event says which, or --everything that all are meant")
        await self._act(drop, "of {} are dropped", queue, event)

    async def _act(
        self,
        act: Callable[..., Awaitable[int]],
        done: str,
        queue: str | None,
        event: str | None,
    ) -> None:
        found = False
        for each in self._chosen(queue):
            try:
                number = await act(self.settings().broker_url, each, event_id=event)
            except NoDeadLetter:
                continue
            found = True
            sys.stdout.write(f"{number} events {done.format(each.queue)}\n")
        if not found:
            raise CommandFailed(f"there is no dead letter {event}")

    async def _letters(
        self, queue: str | None, event: str | None
    ) -> AsyncGenerator[tuple[Subscription, DeadLetter], None]:
        for each in self._chosen(queue):
            async with aclosing(look(self.settings().broker_url, each)) as letters:
                async for letter in letters:
                    if event in (None, letter.event_id):
                        yield each, letter

    def _chosen(self, queue: str | None) -> Sequence[Subscription]:
        chosen = [each for each in self.subscriptions if queue in (None, each.queue)]
        if not chosen:
            names = ", ".join(each.queue for each in self.subscriptions)
            raise CommandFailed(f"{queue} is none of {names}")
        return chosen


def dead_letter_commands(
    settings: Callable[[], ServiceSettings], *subscriptions: Subscription
) -> Command:
    """The commands for the service's queues."""
    letters = _DeadLetters(settings, subscriptions)
    return Command(
        "List, show, replay or drop events that a subscriber could not handle.",
        commands={
            "list": Command(
                "List their ids, names and reasons.", asynchronous(letters.list_all), (_QUEUE,)
            ),
            "show": Command(
                "Show them as lines of JSON, with personal data and without secrets.",
                asynchronous(letters.show),
                (_QUEUE, _EVENT),
            ),
            "replay": Command("Handle them again.", asynchronous(letters.replay), (_QUEUE, _EVENT)),
            "drop": Command(
                "Delete them for good.",
                asynchronous(letters.drop),
                (_QUEUE, _EVENT, Argument("--everything", "all of them")),
            ),
        },
    )
