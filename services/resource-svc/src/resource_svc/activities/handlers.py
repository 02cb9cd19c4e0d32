"""The operation on activities."""

import hashlib
from typing import Any

from aiohttp import web

from resource_svc.activities.forms import ALL, ListActivitiesForm
from resource_svc.activities.list_activities import ListActivities
from shared.contracts.activities import KeptActivity
from shared.web.answers import answer, milliseconds
from shared.web.pagination import MAX_LIMIT, bounded_headers
from shared.web.principal import PRINCIPAL

LIST_ACTIVITIES = web.AppKey("list_activities", ListActivities)


async def index(request: web.Request, form: ListActivitiesForm) -> web.Response:
    """GET /users/activity/{topic}: what the caller did, the newest first."""
    topic = None if form.topic == ALL else form.topic
    found = await request.app[LIST_ACTIVITIES](
        request[PRINCIPAL].uid, topic, form.page or 1, form.limit or MAX_LIMIT
    )
    headers = bounded_headers(request.rel_url, form, found.total, goes_on=found.goes_on)
    return answer([_shown(activity) for activity in found.activities], headers=headers)


def number_of(uid: str) -> int:
    """A user's number in activities, always the same: 52 bits of their uid's SHA-256.

    Existing front ends read a number; it fits into JavaScript's. Users are referred to by uid.
    """
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:7]) >> 4


def _shown(activity: KeptActivity) -> dict[str, Any]:
    return {
        "id": activity.number,
        "user_id": number_of(activity.uid),
        "target_uid": activity.target_uid,
        "category": activity.category,
        "user_ip": activity.user_ip,
        "user_agent": activity.user_agent,
        "topic": activity.topic,
        "action": activity.action,
        "result": activity.result,
        "data": activity.data,
        "created_at": milliseconds(activity.created_at),
    }
