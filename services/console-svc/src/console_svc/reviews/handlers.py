"""The queue of documents that wait for a verdict, made for speed: one user after the other."""

from aiohttp import web

from console_svc.directory import documents
from console_svc.directory.handlers import check_uid, judge_documents, uid_of
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
        answer = await visit.get(_WAITING, uid=check_uid(named), extended="true", limit="1")
        users = [user for user in answer.body if user["uid"] == named]
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
    )


async def judge(visit: Visit) -> web.StreamResponse:
    """The verdict on the documents of a user, whose place the next one takes."""
    await judge_documents(visit, uid_of(visit))
    place = visit.text("page")
    return visit.go(_QUEUE, "judged", **({"page": place} if place else {}))
