"""Configuration, version, time, and a sign of life."""

import time

from aiohttp import web

from identity_svc.about.use_cases import About
from shared.web.answers import answer
from shared.web.routes import NoParameters

ABOUT = web.AppKey("about", About)


async def configs(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/configs."""
    return answer(request.app[ABOUT].configs.to_public())


async def version(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/version."""
    return answer(request.app[ABOUT].build.to_public())


async def current_time(_request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/time: seconds since the epoch."""
    return answer({"time": int(time.time())})


async def ping(_request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/ping."""
    return answer({"ping": "pong"})
