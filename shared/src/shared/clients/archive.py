"""Calls to the archive of a service that publishes events."""

import uuid
from collections.abc import Sequence

from shared.clients.internal_api import InternalApi
from shared.contracts.archive import (
    ArchivedEvent,
    EventFilter,
    NoQueue,
    NoReplay,
    Position,
    Replay,
    TooManyReplays,
)
from shared.errors import Invalid, NotFound


class ArchiveClient(InternalApi):
    """Every call raises `Unavailable` when the service cannot answer."""

    async def newest_events(
        self, wanted: EventFilter, limit: int, before: Position | None
    ) -> Sequence[ArchivedEvent]:
        """Events, the newest first; with `before`, those that were published before that place."""
        body = {
            "wanted": wanted.to_internal(),
            "limit": limit,
            "before": None if before is None else str(before),
        }
        answer = await self.call("POST", "/events/search", body, repeatable=True)
        return [ArchivedEvent.of(each) for each in answer["events"]]

    async def create_replay(self, queue: str, wanted: EventFilter, *, incomplete: bool) -> Replay:
        """Begins a replay; raises `NoQueue` or `TooManyReplays`."""
        body = {"queue": queue, "wanted": wanted.to_internal(), "incomplete": incomplete}
        try:
            return Replay.of(await self.call("POST", "/events/replays", body))
        except Invalid as refused:
            for kind in (NoQueue, TooManyReplays):
                if refused.codes == kind.codes:
                    raise kind from None
            raise

    async def replays(self) -> Sequence[Replay]:
        """The replays that began last, the newest first."""
        answer = await self.call("GET", "/events/replays")
        return [Replay.of(each) for each in answer["replays"]]

    async def cancel_replay(self, number: uuid.UUID) -> Replay:
        """Ends a replay that runs; raises `NoReplay` if it does not."""
        try:
            return Replay.of(await self.call("DELETE", f"/events/replays/{number}"))
        except NotFound:
            raise NoReplay from None
