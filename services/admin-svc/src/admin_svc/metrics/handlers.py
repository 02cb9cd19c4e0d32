"""The operation on metrics."""

from aiohttp import web

from admin_svc.metrics.schemas import MetricsForm, MetricsSchema, report_to_public
from admin_svc.metrics.use_cases import Metrics
from shared.web.answers import answer
from shared.web.operations import operation

METRICS = web.AppKey("metrics", Metrics)


@operation(answer=MetricsSchema)
async def show(request: web.Request, form: MetricsForm) -> web.Response:
    """What happened on each day of a period."""
    report = await request.app[METRICS].get(form.created_from, form.created_to)
    return answer(report_to_public(report))
