"""Ends a user's API keys, which resource-svc keeps."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from shared.clients.resource import ResourceClient
from shared.errors import NotFound, Unavailable

log = structlog.get_logger()

ENDED_AT = "api_keys_ended_at"


@dataclass(frozen=True, slots=True)
class EndApiKeys:
    """By the event that says why, and by a call: keys do not work any more once this answers."""

    resource: ResourceClient

    @staticmethod
    def told() -> dict[str, Any]:
        """What the snapshot of the event has besides: since when no earlier key works."""
        return {ENDED_AT: datetime.now(UTC).isoformat()}

    async def __call__(self, uid: str) -> None:
        """Called after the commit; nothing is lost when it fails: the event does the same."""
        try:
            await self.resource.end_api_keys(uid)
        except (Unavailable, NotFound) as error:
            log.warning("api_keys_await_their_event", uid=uid, reason=str(error))
