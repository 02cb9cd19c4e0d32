"""Counts an activity."""

from datetime import UTC

from admin_svc.metrics import store
from admin_svc.metrics.rules import metric_of
from shared.contracts.activities import Activity
from shared.database.pool import Connection


async def count_activity(connection: Connection, activity: Activity) -> None:
    """Adds a new activity to its day's count, in the transaction that keeps it."""
    metric = metric_of(activity)
    if metric is not None:
        await store.count(connection, activity.created_at.astimezone(UTC).date(), metric)
