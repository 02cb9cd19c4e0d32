"""The internal operations on the archive of a service, for admin-svc."""

from typing import Any

from aiohttp import web

from shared.archive.schemas import CancelReplayForm, CreateReplayForm, SearchForm
from shared.archive.use_cases import EventArchive, Replays
from shared.contracts.services import ADMIN
from shared.web.answers import answer
from shared.web.operations import NoParameters
from shared.web.routes import Route, services

EVENT_ARCHIVE = web.AppKey("event_archive", EventArchive)
REPLAYS = web.AppKey("replays", Replays)


async def search(request: web.Request, form: SearchForm) -> web.Response:
    """POST /events/search: the newest events that the body asks for."""
    found = await request.app[EVENT_ARCHIVE].list_newest(form.wanted, form.limit, form.before)
    return answer({"events": [each.to_internal() for each in found]})


async def create(request: web.Request, form: CreateReplayForm) -> web.Response:
    """POST /events/replays."""
    replay = await request.app[REPLAYS].create(form.queue, form.wanted, incomplete=form.incomplete)
    return answer(replay.to_internal(), 202)


async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /events/replays."""
    found = await request.app[REPLAYS].list()
    return answer({"replays": [each.to_internal() for each in found]})


async def cancel(request: web.Request, form: CancelReplayForm) -> web.Response:
    """DELETE /events/replays/{id}."""
    return answer((await request.app[REPLAYS].cancel(form.id)).to_internal())


# fmt: off
ROUTES: tuple[Route[Any], ...] = (
    Route("POST",   "/events/search",       services(ADMIN), search),
    Route("POST",   "/events/replays",      services(ADMIN), create),
    Route("GET",    "/events/replays",      services(ADMIN), index),
    Route("DELETE", "/events/replays/{id}", services(ADMIN), cancel),
)
# fmt: on
