"""Levels over HTTP."""

from aiohttp import web

from admin_svc.levels.file import Level
from shared.web.answers import answer
from shared.web.routes import NoParameters

LEVELS: web.AppKey[tuple[Level, ...]] = web.AppKey("levels")


async def index(request: web.Request, form: NoParameters) -> web.Response:
    """GET /admin/levels."""
    levels = request.app[LEVELS]
    return answer(
        [{"id": id_, "key": level.key, "value": level.value} for id_, level in enumerate(levels, 1)]
    )
