"""The operation on metrics."""

from aiohttp import web

from admin_svc.metrics.forms import MetricsForm
from admin_svc.metrics.read import ReadMetrics
from shared.web.answers import answer

READ_METRICS = web.AppKey("read_metrics", ReadMetrics)


async def show(request: web.Request, form: MetricsForm) -> web.Response:
    """GET /admin/metrics."""
    return answer(await request.app[READ_METRICS](form.created_from, form.created_to))
