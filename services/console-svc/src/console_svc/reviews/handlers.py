"""The queue of documents that wait for a verdict, made for speed: one user after the other."""

from typing import Any

from aiohttp import web

from console_svc.directory import documents, verdicts
from console_svc.directory.handlers import check_uid, uid_of
from console_svc.pages.api import ApiAnswer, ApiRefusal
from console_svc.pages.visit import Eager, Visit

_QUEUE = "/console/reviews"
_WAITING = "admin/users/documents/pending"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """A user who waits, with their documents and the form.

    That is the one whom the address names and nobody else, or the one at this place of the queue.
    """
    named = visit.path.get("uid", visit.request.query.get("uid"))
    if named is not None:
        answer, users = await _of(visit, check_uid(named))
    else:
        place = str(visit.page_number)
        answer = await visit.get(_WAITING, page=place, extended="true", limit="1")
        users = answer.body
        if not users and visit.page_number > 1:  # the last one is judged: those who were passed
            return visit.go(_QUEUE, visit.request.query.get("done", ""))
    user = users[0] if users else None
    return visit.page(
        "reviews/queue.html",
        named=named,
        total=answer.total or 0,
        number=visit.page_number,
        more='rel="next"' in answer.headers.get("Link", ""),
        user=user,
        documents=documents.shown(visit, user) if user else [],
        seen=verdicts.seen,
    )


async def judge(visit: Visit) -> web.StreamResponse:
    """The verdict on the documents of a user, whose place the next one takes.

    Documents that somebody else has judged meanwhile are not judged again.
    """
    _, users = await _of(visit, uid_of(visit))
    if not users:
        raise ApiRefusal(409, ["console.judged_meanwhile"])
    await verdicts.judge_documents(visit, users[0])
    place = visit.text("page")
    return visit.go(_QUEUE, "judged", **({"page": place} if place else {}))


async def _of(visit: Visit, uid: str) -> tuple[ApiAnswer, list[dict[str, Any]]]:
    """The answer about this user, and the user if anything of theirs waits."""
    answer = await visit.get(_WAITING, uid=uid, extended="true", limit="1")
    return answer, [user for user in answer.body if user["uid"] == uid]
