"""Levels over HTTP."""

from aiohttp import web

from admin_svc.levels.schemas import LevelSchema
from admin_svc.levels.use_cases import Levels
from shared.web.answers import answer
from shared.web.operations import NoParameters, operation

LEVELS = web.AppKey("levels", Levels)


@operation(answer=LevelSchema(many=True))
async def index(request: web.Request, form: NoParameters) -> web.Response:
    """The configured levels."""
    levels = request.app[LEVELS].all
    return answer(
        [{"id": id_, "key": level.key, "value": level.value} for id_, level in enumerate(levels, 1)]
    )
