"""Users: the search, and everything about one."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from console_svc.directory import documents, verdicts
from console_svc.pages.api import ApiAnswer, ApiRefusal
from console_svc.pages.spans import with_moments
from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

FILTERS = (
    *("q", "uid", "email", "role", "first_name", "last_name", "country", "level", "state"),
    *("range", "from", "to", "order_by", "ordering"),
)
ORDERS = ("created_at", "updated_at", "email")
DIRECTIONS = ("asc", "desc")
STATES = ("pending", "active", "banned", "locked", "deleted")
PROFILE = ("first_name", "last_name", "dob", "address", "postcode", "city", "country")
_PER_PAGE = "25"
_RECENT = "20"
_SESSIONS = "admin/users/sessions"
_UID = re.compile(r"[A-Za-z0-9]{1,64}")


@Eager
async def search(visit: Visit) -> web.StreamResponse:
    """Users by all filters of the directory; a filter that is refused is shown with its reason."""
    query = visit.request.query
    filters = {name: query[name].strip() for name in FILTERS if query.get(name, "").strip()}
    users: list[dict[str, Any]] = []
    total, beyond, more = 0, False, False
    try:
        answer = await visit.get(
            "admin/users", **with_moments(filters), page=str(visit.page_number), limit=_PER_PAGE
        )
    except ApiRefusal as refusal:
        if refusal.status != 422:
            raise
        visit.refuse(refusal)
    else:
        users, total, beyond = answer.body, answer.total or 0, answer.is_more
        more = 'rel="next"' in answer.headers.get("Link", "")
    return visit.page(
        "directory/users.html",
        users=users,
        total=total,
        beyond=beyond,
        filters=filters,
        states=STATES,
        orders=ORDERS,
        directions=DIRECTIONS,
        number=visit.page_number,
        more=more,
        query=filters,
    )


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """Everything about one user that the role may see."""
    uid = uid_of(visit)
    user, sessions, activities, audits, keys = await asyncio.gather(
        visit.get(f"admin/users/{uid}"),
        _if_allowed(visit, _SESSIONS, uid=uid, limit=_RECENT),
        _if_allowed(visit, "admin/activities", uid=uid, limit=_RECENT),
        _if_allowed(visit, "admin/activities/admin", target_uid=uid, limit=_RECENT),
        _if_allowed(visit, "admin/api_keys", uid=uid),
    )
    return visit.page(
        "directory/user.html",
        user=user.body,
        documents=documents.shown(visit, user.body),
        documents_wait=verdicts.on_documents(user.body) in verdicts.WAITING,
        waiting_profile=verdicts.waiting_profile(user.body),
        correcting=visit.request.path.endswith("/profile/correction"),
        seen=verdicts.seen,
        sessions=sessions,
        activities=activities,
        audits=audits,
        keys=keys,
        states=STATES,
    )


async def change_state(visit: Visit) -> web.StreamResponse:
    """Sets the state, which also ends sessions where it forbids to log in."""
    uid = uid_of(visit)
    await visit.call("PUT", "admin/users", {"uid": uid, "state": visit.text("state")})
    return visit.go(f"/console/users/{uid}", "user_changed")


async def turn_otp_off(visit: Visit) -> web.StreamResponse:
    """Turns off the second factor of somebody who lost it."""
    uid = uid_of(visit)
    await visit.call("PUT", "admin/users", {"uid": uid, "otp": "false"})
    return visit.go(f"/console/users/{uid}", "user_changed")


async def change_role(visit: Visit) -> web.StreamResponse:
    """Gives another role."""
    uid = uid_of(visit)
    await visit.call("POST", "admin/users/role", {"uid": uid, "role": visit.text("role")})
    return visit.go(f"/console/users/{uid}", "user_changed")


async def change_email(visit: Visit) -> web.StreamResponse:
    """Gives another e-mail address, for which the administrator vouches."""
    uid = uid_of(visit)
    await visit.call("PUT", "admin/users/email", {"uid": uid, "email": visit.text("email")})
    return visit.go(f"/console/users/{uid}", "user_email_changed")


async def end_session(visit: Visit) -> web.StreamResponse:
    """Ends one session of the user."""
    uid = uid_of(visit)
    await visit.call("DELETE", _SESSIONS, {"uid": uid, "id": visit.text("id")})
    return visit.go(f"/console/users/{uid}", "session_ended")


async def end_all_sessions(visit: Visit) -> web.StreamResponse:
    """Ends all sessions of the user."""
    uid = uid_of(visit)
    await visit.call("DELETE", _SESSIONS, {"uid": uid})
    return visit.go(f"/console/users/{uid}", "user_sessions_ended")


async def judge_documents(visit: Visit) -> web.StreamResponse:
    """The verdict on the user's documents."""
    user = await _user(visit)
    await verdicts.judge_documents(visit, user)
    return visit.go(f"/console/users/{user['uid']}", "judged")


async def judge_profile(visit: Visit) -> web.StreamResponse:
    """The verdict on the user's submitted profile."""
    user = await _user(visit)
    await verdicts.judge_profile(visit, user)
    return visit.go(f"/console/users/{user['uid']}", "judged")


async def correct_profile(visit: Visit) -> web.StreamResponse:
    """Corrects the user's submitted profile."""
    user = await _user(visit)
    await verdicts.correct_profile(visit, user, PROFILE)
    return visit.go(f"/console/users/{user['uid']}", "user_changed")


async def write_label(visit: Visit) -> web.StreamResponse:
    """Adds or changes a label; with `document`, that is a verdict."""
    uid = uid_of(visit)
    form = {"uid": uid, "key": visit.text("key"), "value": visit.text("value")}
    form |= {"scope": visit.text("scope") or "private", "replace": "true"}
    if description := visit.text("description"):
        form["description"] = description
    await visit.call("POST", "admin/users/labels/update", form)
    return visit.go(f"/console/users/{uid}", "user_changed")


async def remove_label(visit: Visit) -> web.StreamResponse:
    """Removes a label."""
    uid = uid_of(visit)
    await visit.call(
        "DELETE",
        "admin/users/labels",
        {"uid": uid, "key": visit.text("key"), "scope": visit.text("scope")},
    )
    return visit.go(f"/console/users/{uid}", "user_changed")


def uid_of(visit: Visit) -> str:
    """The uid in the address; raises `NotFound` for what cannot be one."""
    return check_uid(visit.path["uid"])


def check_uid(text: str) -> str:
    """The text; raises `NotFound` for what cannot be a uid."""
    if not _UID.fullmatch(text):
        raise NotFound
    return text


async def _user(visit: Visit) -> Mapping[str, Any]:
    """The user of the address, as they are now."""
    answer = await visit.get(f"admin/users/{uid_of(visit)}")
    user: Mapping[str, Any] = answer.body
    return user


async def _if_allowed(visit: Visit, path: str, **query: str) -> Any:
    """The records, or None where the role may not read them, or the API has none."""
    await visit.recognized()
    if not visit.may("GET", path):
        return None
    try:
        answer: ApiAnswer = await visit.get(path, **query)
    except ApiRefusal as refusal:
        if refusal.status in (403, 404) or "authz.invalid_permission" in refusal.codes:
            return None
        raise
    return answer.body
