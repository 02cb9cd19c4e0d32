"""The queue of documents that wait for a verdict, made for speed: one user after the other."""

from aiohttp import web

from console_svc.directory.handlers import uid_of
from console_svc.pages.visit import Eager, Visit

_QUEUE = "/console/reviews"
_SHOWN = "25"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """The first user who waits, or the one of the address, with their documents and the form."""
    answer = await visit.get("admin/users/documents/pending", limit=_SHOWN)
    wanted = visit.path.get("uid") or visit.request.query.get("uid", "")
    uids = [user["uid"] for user in answer.body]
    at = uids.index(wanted) if wanted in uids else 0
    return visit.page(
        "reviews/queue.html",
        total=answer.total if answer.total is not None else len(uids),
        user=(await visit.get(f"admin/users/{uids[at]}")).body if uids else None,
        before=uids[at - 1] if at > 0 else "",
        after=uids[at + 1] if at + 1 < len(uids) else "",
    )


async def judge(visit: Visit) -> web.StreamResponse:
    """The verdict on the documents of a user; the next user follows."""
    verdict = "verified" if visit.text("verdict") == "verified" else "rejected"
    form = {"uid": uid_of(visit), "key": "document", "value": verdict, "scope": "private"}
    if description := visit.text("description"):
        form["description"] = description
    await visit.call("POST", "admin/users/labels/update", form)
    following = visit.text("after")
    return visit.go(_QUEUE, "judged", **({"uid": following} if following else {}))
