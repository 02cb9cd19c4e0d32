"""What happened in the last week, and what waits."""

from datetime import UTC, datetime, timedelta

from aiohttp import web

from console_svc.overview.charts import HEIGHT, chart
from console_svc.pages.visit import Eager, Visit

_DAYS = 7


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """Charts of the last week."""
    begin = datetime.now(UTC).date() - timedelta(days=_DAYS - 1)
    metrics = (await visit.get("admin/metrics", created_from=begin.isoformat())).body
    return visit.page(
        "overview/overview.html",
        charts=[
            ("signups", chart(metrics["signups"], _DAYS)),
            ("logins", chart(metrics["sucessful_logins"], _DAYS)),
            ("failures", chart(metrics["failed_logins"], _DAYS)),
        ],
        height=HEIGHT,
        pending=metrics["pending_applications"],
    )
