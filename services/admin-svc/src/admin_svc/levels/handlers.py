"""Levels over HTTP."""

from aiohttp import web

from admin_svc.levels.use_cases import Levels
from shared.web.answers import answer
from shared.web.routes import NoParameters

LEVELS = web.AppKey("levels", Levels)


async def index(request: web.Request, form: NoParameters) -> web.Response:
    """GET /admin/levels."""
    levels = request.app[LEVELS].all
    return answer(
        [{"id": id_, "key": level.key, "value": level.value} for id_, level in enumerate(levels, 1)]
    )
