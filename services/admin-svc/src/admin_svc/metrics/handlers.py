"""The operation on metrics."""

from aiohttp import web

from admin_svc.metrics.schemas import MetricsForm, report_to_public
from admin_svc.metrics.use_cases import Metrics
from shared.web.answers import answer

METRICS = web.AppKey("metrics", Metrics)


async def show(request: web.Request, form: MetricsForm) -> web.Response:
    """GET /admin/metrics."""
    report = await request.app[METRICS].get(form.created_from, form.created_to)
    return answer(report_to_public(report))
