"""Shows dead letters of every queue, replays and drops them."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.core import Core
from shared.contracts.topology import SUBSCRIPTIONS, Subscription
from shared.errors import NotFound
from shared.messaging import dead_letters
from shared.messaging.dead_letters import MOST, DeadLetter

Act = Callable[[str, Subscription, int, str | None], Awaitable[int]]


class NoQueueOfOurs(NotFound):
    """No service of ours reads a queue of this name."""

    codes = ("admin.dead_letter.queue_doesnt_exist",)


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of our own queues; all methods raise `Unavailable` without a broker."""

    broker_url: str
    audit: AuditTrail

    async def counts(self) -> Mapping[str, int]:
        """The number of dead letters by queue."""
        return await dead_letters.counts(self.broker_url, SUBSCRIPTIONS)

    async def list_oldest(self, queue: str, limit: int) -> list[DeadLetter]:
        """The oldest dead letters of a queue; raises `NoQueueOfOurs`."""
        letters = dead_letters.look(self.broker_url, _subscription(queue), limit)
        async with aclosing(letters):
            return [letter async for letter in letters]

    async def replay(self, actor: Actor, queue: str, event_id: str | None) -> int:
        """Puts one dead letter, or the oldest thousand, back into the queue; returns the number.

        Here and below: raises `NoQueueOfOurs` or `NoDeadLetter`.
        """
        return await self._act(actor, "dead_letters.replayed", queue, event_id, dead_letters.replay)

    async def drop(self, actor: Actor, queue: str, event_id: str | None) -> int:
        """Deletes one dead letter, or the oldest thousand, for good; returns the number."""
        return await self._act(actor, "dead_letters.dropped", queue, event_id, dead_letters.drop)

    async def _act(
        self, actor: Actor, action: str, queue: str, event_id: str | None, act: Act
    ) -> int:
        subscription = _subscription(queue)
        wanted = {"queue": queue, "id": event_id}
        async with self.audit.audited_change(actor, action, None, wanted) as audited:
            number = await act(self.broker_url, subscription, MOST, event_id)
            audited.done(before=None, after={"number": number})
        return number


def _subscription(queue: str) -> Subscription:
    for each in SUBSCRIPTIONS:
        if each.queue == queue:
            return each
    raise NoQueueOfOurs


def build(core: Core, audit: AuditTrail) -> DeadLetters:
    """Wires the feature."""
    return DeadLetters(core.settings.broker_url, audit)
