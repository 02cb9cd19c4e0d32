"""Events that a service could not handle."""

import json
import re
from typing import Any

from aiohttp import web

from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

_PAGE = "/console/dead-letters"
_QUEUE = re.compile(r"[a-z0-9.-]{1,100}")
_SHOWN = "25"
_MOST_CHARACTERS = 6_000
"""The page has at most 60 kB, even if each character needs an escape."""


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """How many lie in each queue."""
    return visit.page(
        "dead_letters/queues.html", queues=(await visit.get("admin/dead_letters")).body
    )


@Eager
async def show_queue(visit: Visit) -> web.StreamResponse:
    """The first ones of a queue."""
    queue = _queue(visit)
    return visit.page("dead_letters/queue.html", queue=queue, letters=await _letters(visit, queue))


@Eager
async def show_contents(visit: Visit) -> web.StreamResponse:
    """The contents of one of them, which may be long, and of a person."""
    queue, wanted = _queue(visit), visit.request.query.get("id", "")
    letters = await _letters(visit, queue)
    if (shown := next((each for each in letters if each["id"] == wanted), None)) is None:
        raise NotFound
    text = json.dumps(shown["contents"], indent=2, ensure_ascii=False)
    return visit.page(
        "dead_letters/contents.html",
        queue=queue,
        letter=shown,
        contents=text[:_MOST_CHARACTERS],
        is_cut=len(text) > _MOST_CHARACTERS,
    )


async def replay(visit: Visit) -> web.StreamResponse:
    """Gives one, or all, to the service again."""
    await visit.call("POST", f"admin/dead_letters/{_queue(visit)}/replay", _which(visit))
    return visit.go(f"{_PAGE}/{_queue(visit)}", "letters_replayed")


async def drop(visit: Visit) -> web.StreamResponse:
    """Drops one."""
    await visit.call("DELETE", f"admin/dead_letters/{_queue(visit)}", _which(visit))
    return visit.go(f"{_PAGE}/{_queue(visit)}", "letter_dropped")


async def _letters(visit: Visit, queue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await visit.get(f"admin/dead_letters/{queue}", limit=_SHOWN)
    ).body
    return found


def _which(visit: Visit) -> dict[str, str]:
    return {"id": visit.text("id")} if visit.text("id") else {"all": "true"}


def _queue(visit: Visit) -> str:
    queue = visit.path["queue"]
    if not _QUEUE.fullmatch(queue):
        raise NotFound
    return queue
