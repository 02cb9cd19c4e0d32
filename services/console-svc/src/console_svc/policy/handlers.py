"""Permissions, restrictions and whitelinks."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from console_svc.access.handlers import link_with
from console_svc.pages.api import ApiAnswer
from console_svc.pages.visit import Eager, Visit

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "ALL")
ACTIONS = ("ACCEPT", "DROP", "AUDIT")
CATEGORIES = ("whitelist", "maintenance", "blacklist")
SCOPES = ("ip", "ip_subnet", "country", "continent", "all")
_PERMISSIONS = "/console/permissions"
_RESTRICTIONS = "/console/restrictions"
# A page of either list has at most 60 kB.
_PERMISSIONS_PER_PAGE = 50
_RESTRICTIONS_PER_PAGE = 30


@Eager
async def show_permissions(visit: Visit) -> web.StreamResponse:
    """All rules, and the dry run: who may do this?"""
    answer = await visit.get(
        "admin/permissions", page=str(visit.page_number), limit=str(_PERMISSIONS_PER_PAGE)
    )
    query = visit.request.query
    tried = {name: query.get(name, "").strip() for name in ("role", "verb", "path")}
    verdict = None
    if all(tried.values()):
        verdict = (await visit.get("admin/permissions/check", **tried)).body
    return visit.page(
        "policy/permissions.html",
        permissions=answer.body,
        number=visit.page_number,
        more='rel="next"' in answer.headers.get("Link", ""),
        tried=tried,
        verdict=verdict,
        verbs=VERBS,
        actions=ACTIONS,
    )


async def add_permission(visit: Visit) -> web.StreamResponse:
    """Adds a rule."""
    form = {name: visit.text(name) for name in ("role", "verb", "path", "action")}
    if topic := visit.text("topic"):
        form["topic"] = topic
    await visit.call("POST", "admin/permissions", form)
    last = await _last_page(visit, "admin/permissions", _PERMISSIONS_PER_PAGE)
    return visit.go(_PERMISSIONS, "rule_added", page=last)


async def remove_permission(visit: Visit) -> web.StreamResponse:
    """Removes a rule."""
    await visit.send("DELETE", "admin/permissions", "id")
    return visit.go(_PERMISSIONS, "rule_removed")


@Eager
async def show_restrictions(visit: Visit) -> web.StreamResponse:
    """All restrictions."""
    answer = await visit.get(
        "admin/restrictions", page=str(visit.page_number), limit=str(_RESTRICTIONS_PER_PAGE)
    )
    return _restrictions(visit, answer)


async def add_restriction(visit: Visit) -> web.StreamResponse:
    """Adds a restriction; the API refuses one that would lock its actor out."""
    await visit.call("POST", "admin/restrictions", _restriction(visit))
    last = await _last_page(visit, "admin/restrictions", _RESTRICTIONS_PER_PAGE)
    return visit.go(_RESTRICTIONS, "restriction_added", page=last)


async def try_restriction(visit: Visit) -> web.StreamResponse:
    """The dry run of the form: would this lock me out, and what becomes of another caller?

    The form stays filled in.
    """
    caller = {name: visit.text(f"caller_{name}") for name in ("address", "country")}
    form = {name: value for name, value in _restriction(visit).items() if name != "state"}
    tried = await visit.get("admin/restrictions/check", **form, **caller)
    found = await visit.get("admin/restrictions", limit=str(_RESTRICTIONS_PER_PAGE))
    return _restrictions(visit, found, trial=tried.body)


async def _last_page(visit: Visit, path: str, per_page: int) -> str:
    """The page on which the newest rule is: lists begin with the oldest."""
    total = (await visit.get(path, limit="1")).total or 1
    return str(-(-total // per_page))


def _restriction(visit: Visit) -> dict[str, str]:
    """The restriction in the form."""
    form = {name: visit.text(name) for name in ("category", "scope", "value", "state")}
    if status := visit.text("status"):
        form["code"] = status
    return form


async def change_restriction(visit: Visit) -> web.StreamResponse:
    """Enables or disables a restriction."""
    await visit.send("PUT", "admin/restrictions", "id", "state")
    return visit.go(_RESTRICTIONS, "restriction_changed")


async def remove_restriction(visit: Visit) -> web.StreamResponse:
    """Removes a restriction."""
    await visit.send("DELETE", "admin/restrictions", "id")
    return visit.go(_RESTRICTIONS, "restriction_removed")


async def make_whitelink(visit: Visit) -> web.StreamResponse:
    """Makes a link by which somebody lets their address in; it is shown this once."""
    form = {"expire_time": visit.text("expire_time"), "range": visit.text("range")}
    answer = await visit.call("POST", "admin/restrictions/whitelink", form)
    visit.forget_form()
    found = await visit.get("admin/restrictions", limit=str(_RESTRICTIONS_PER_PAGE))
    link = link_with(visit, str(answer.body["whitelink_token"]))
    return _restrictions(visit, found, whitelink=link)


def _restrictions(
    visit: Visit,
    found: ApiAnswer,
    whitelink: str = "",
    trial: Mapping[str, Any] | None = None,
) -> web.Response:
    return visit.page(
        "policy/restrictions.html",
        restrictions=found.body,
        number=visit.page_number,
        more='rel="next"' in found.headers.get("Link", ""),
        whitelink=whitelink,
        trial=trial,
        categories=CATEGORIES,
        scopes=SCOPES,
    )
