"""What a member did."""

from aiohttp import web

from console_svc.pages.api import ApiRefusal
from console_svc.pages.visit import Eager, Visit

TOPICS = ("all", "password", "session", "otp", "account")
_PER_PAGE = "25"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """One's activity, by topic and page."""
    topic = visit.request.query.get("topic", "all")
    if topic not in TOPICS:
        topic = "all"
    number = visit.page_number
    try:
        answer = await visit.get(
            f"resource/users/activity/{topic}", page=str(number), limit=_PER_PAGE
        )
        activities, more = answer.body, 'rel="next"' in answer.headers.get("Link", "")
    except ApiRefusal as refusal:
        if "resource.user.no_activity" not in refusal.codes:
            raise
        activities, more = [], False
    return visit.page(
        "activity/activity.html",
        activities=activities,
        topics=TOPICS,
        topic=topic,
        number=number,
        more=more,
    )
