"""The operations on metrics."""

from aiohttp import web

from admin_svc.metrics.schemas import (
    MetricsForm,
    MetricsSchema,
    RecentMetricsSchema,
    recent_to_public,
    report_to_public,
)
from admin_svc.metrics.use_cases import Metrics
from shared.web.answers import answer
from shared.web.operations import NoParameters, operation

METRICS = web.AppKey("metrics", Metrics)


@operation(answer=MetricsSchema)
async def show(request: web.Request, form: MetricsForm) -> web.Response:
    """What happened on each day of a period."""
    report = await request.app[METRICS].get(form.created_from, form.created_to)
    return answer(report_to_public(report))


@operation(answer=RecentMetricsSchema, beyond_barong=True)
async def show_recent(request: web.Request, _form: NoParameters) -> web.Response:
    """What happened in each of the last 24 hours and 7 days.

    Repeated and late events are counted once, in the hour in which something happened.
    """
    return answer(recent_to_public(await request.app[METRICS].get_recent()))
