"""What happened in the last day and week, and what waits."""

from aiohttp import web

from console_svc.overview.charts import HEIGHT, WIDTH, chart
from console_svc.pages.visit import Eager, Visit

_CHARTS = {
    "sign_ups": ("signups",),
    "log_ins": ("successful_logins",),
    "refusals": ("failed_logins", "denied_calls"),
    "reviews": ("pending_reviews",),
}


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """Charts of the last day by hour and of the last week by day, and their numbers."""
    recent = (await visit.get("admin/metrics/recent")).body
    return visit.page(
        "overview/overview.html",
        periods={
            period: {name: chart(recent[period], *fields) for name, fields in _CHARTS.items()}
            for period in ("hours", "days")
        },
        recent=recent,
        height=HEIGHT,
        width=WIDTH,
        pending=recent["days"][-1]["pending_reviews"] or 0,
    )
