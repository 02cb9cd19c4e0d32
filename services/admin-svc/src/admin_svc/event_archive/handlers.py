"""Published events and their replays over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.event_archive.schemas import (
    CancelReplayForm,
    ListEventsForm,
    ListReplaysForm,
    PublishedEventSchema,
    ReplayEventsForm,
    ReplaySchema,
    event_to_public,
    replay_to_public,
)
from admin_svc.event_archive.use_cases import PublishedEvents
from shared.contracts.archive import NoQueue, NoReplay, TooManyReplays
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.pagination import BY_CURSOR, MAX_LIMIT
from shared.web.principal import PRINCIPAL

PUBLISHED_EVENTS = web.AppKey("published_events", PublishedEvents)


@operation(answer=PublishedEventSchema(many=True), headers=BY_CURSOR, beyond_barong=True)
async def index(request: web.Request, form: ListEventsForm) -> web.Response:
    """Published events of a service, the newest first.

    `service` is the one that published them: identity-svc, resource-svc, admin-svc, webhooks-svc or
    oauth-svc. `name` is a pattern as in a binding: `*` is one word, `#` at the end any words. The
    archive has no secrets. It keeps events for BARONG_EVENTS_KEEP_DAYS days.
    """
    limit = form.limit or MAX_LIMIT
    page = await request.app[PUBLISHED_EVENTS].list_newest(
        form.service, form.wanted, limit, form.cursor
    )
    next_cursor = {"Next-Cursor": str(page[-1].position)} if len(page) == limit else {}
    return answer(
        [event_to_public(each) for each in page],
        headers={"Per-Page": str(limit), **next_cursor},
    )


@operation(status=202, answer=ReplaySchema, refuses=(NoQueue, TooManyReplays), beyond_barong=True)
async def create_replay(request: web.Request, form: ReplayEventsForm) -> web.Response:
    """Publish events again, into one queue.

    In their order, signed anew with their ids, up to those of this moment. Events that had secrets
    are left out; with `incomplete` they come without these.
    """
    replay = await request.app[PUBLISHED_EVENTS].replay(
        Actor.of(request[PRINCIPAL]),
        form.service,
        form.queue,
        form.wanted,
        incomplete=bool(form.incomplete),
    )
    return answer(replay_to_public(form.service, replay))


@operation(answer=ReplaySchema(many=True), beyond_barong=True)
async def index_replays(request: web.Request, form: ListReplaysForm) -> web.Response:
    """Replays of a service's events, the newest hundred."""
    replays = await request.app[PUBLISHED_EVENTS].list_replays(form.service)
    return answer([replay_to_public(form.service, each) for each in replays])


@operation(answer=ReplaySchema, refuses=(NoReplay,), beyond_barong=True)
async def cancel_replay(request: web.Request, form: CancelReplayForm) -> web.Response:
    """Cancel a replay."""
    replay = await request.app[PUBLISHED_EVENTS].cancel_replay(
        Actor.of(request[PRINCIPAL]), form.service, form.id
    )
    return answer(replay_to_public(form.service, replay))
