"""Configuration, version, time, and a sign of life."""

import time

from aiohttp import web

from identity_svc.about.schemas import ConfigsSchema, PingSchema, TimeSchema, VersionSchema
from identity_svc.about.use_cases import About
from shared.web.answers import answer
from shared.web.operations import NoParameters, operation

ABOUT = web.AppKey("about", About)


@operation(answer=ConfigsSchema)
async def configs(request: web.Request, _form: NoParameters) -> web.Response:
    """What front ends have to know."""
    return answer(request.app[ABOUT].configs.to_public())


@operation(answer=VersionSchema)
async def version(request: web.Request, _form: NoParameters) -> web.Response:
    """Which build answers."""
    return answer(request.app[ABOUT].build.to_public())


@operation(answer=TimeSchema)
async def current_time(_request: web.Request, _form: NoParameters) -> web.Response:
    """The server's time."""
    return answer({"time": int(time.time())})


@operation(answer=PingSchema)
async def ping(_request: web.Request, _form: NoParameters) -> web.Response:
    """Whether the service answers."""
    return answer({"ping": "pong"})
