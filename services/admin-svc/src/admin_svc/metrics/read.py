"""Reading metrics."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from admin_svc.directory.list_labels import ListLabels
from admin_svc.metrics import store
from admin_svc.metrics.rules import FAILED_LOGINS, SIGNUPS, SUCCESSFUL_LOGINS
from shared.database.pool import Database

_USUAL_SPAN = timedelta(days=30)
_PENDING = ("document", "pending")


@dataclass(frozen=True, slots=True)
class ReadMetrics:
    """Reads what was counted as it happened: some rows a day."""

    database: Database
    list_labels: ListLabels

    async def __call__(self, first: date | None, last: date | None) -> dict[str, Any]:
        """The `Metrics` of the public API, of the last thirty days unless said otherwise.

        Both days are part of it. Days on which nothing happened are left out.
        """
        last = last or datetime.now(UTC).date()
        first = first or max(last, date.min + _USUAL_SPAN) - _USUAL_SPAN
        of: dict[str, dict[str, int]] = {SIGNUPS: {}, SUCCESSFUL_LOGINS: {}, FAILED_LOGINS: {}}
        async with self.database.connection() as connection:
            for day, metric, number in await store.counts(connection, first, last):
                of[metric][day.isoformat()] = number
        return {
            "signups": of[SIGNUPS],
            "sucessful_logins": of[SUCCESSFUL_LOGINS],  # the contract spells it so
            "failed_logins": of[FAILED_LOGINS],
            "pending_applications": (await self.list_labels()).get(_PENDING, 0),
        }
