"""What anybody may ask: configuration, version, time, and whether somebody is there."""

import time

from aiohttp import web

from identity_svc.about.build import Build
from identity_svc.about.configs import Configs
from shared.web.answers import answer
from shared.web.routes import NoParameters

BUILD = web.AppKey("build", Build)
CONFIGS = web.AppKey("configs", Configs)


async def configs(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/configs."""
    return answer(request.app[CONFIGS].body())


async def version(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/version."""
    return answer(request.app[BUILD].body())


async def current_time(_request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/time: seconds since the epoch."""
    return answer({"time": int(time.time())})


async def ping(_request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/ping."""
    return answer({"ping": "pong"})
