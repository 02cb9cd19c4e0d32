"""The directory over HTTP."""

import json
from typing import Any

from aiohttp import web

from admin_svc.directory.extend import AddEverything, AddProfiles
from admin_svc.directory.find import FindUsers, Found
from admin_svc.directory.find_one import FindUser
from admin_svc.directory.forms import (
    AnyListForm,
    FindLabelledForm,
    FindUserForm,
    FindUsersForm,
    FindWaitingForm,
    ListLabelsForm,
)
from admin_svc.directory.headers import list_headers
from admin_svc.directory.list_labels import ListLabels
from admin_svc.directory.list_profiles import ListProfiles
from admin_svc.directory.order import Page
from shared.web.answers import answer
from shared.web.pagination import PageForm, page_headers

FIND_USERS = web.AppKey("find_users", FindUsers)
FIND_USER = web.AppKey("find_user", FindUser)
ADD_PROFILES = web.AppKey("add_profiles", AddProfiles)
ADD_EVERYTHING = web.AppKey("add_everything", AddEverything)
LIST_PROFILES = web.AppKey("list_profiles", ListProfiles)
LIST_LABELS = web.AppKey("list_labels", ListLabels)


async def index(request: web.Request, form: FindUsersForm) -> web.Response:
    """GET /admin/users."""
    found = await request.app[FIND_USERS](form.wanted, _part(form))
    extended = await request.app[ADD_PROFILES](found.users) if form.extended else None
    return _page(request, form, found, extended)


async def waiting(request: web.Request, form: FindWaitingForm) -> web.Response:
    """GET /admin/users/documents/pending."""
    found = await request.app[FIND_USERS](form.wanted, _part(form))
    extended = await request.app[ADD_EVERYTHING](found.users) if form.extended else None
    return _page(request, form, found, extended)


async def labelled(request: web.Request, form: FindLabelledForm) -> web.Response:
    """GET /admin/users/labels."""
    found = await request.app[FIND_USERS](form.wanted, _part(form))
    return _page(request, form, found)


async def show(request: web.Request, form: FindUserForm) -> web.Response:
    """GET /admin/users/{uid}."""
    user = await request.app[FIND_USER](form.uid.strip())
    (everything,) = await request.app[ADD_EVERYTHING]([user])
    return answer(everything)


async def labels(request: web.Request, form: ListLabelsForm) -> web.Response:
    """GET /admin/users/labels/list: key and value, as JSON, to the number of users."""
    counted = await request.app[LIST_LABELS](form.scope)
    return answer({json.dumps(label): number for label, number in counted.items()})


async def profiles(request: web.Request, form: PageForm) -> web.Response:
    """GET /admin/profiles."""
    page, total = await request.app[LIST_PROFILES](*form.window)
    return answer(list(page), headers=page_headers(request.rel_url, form, total))


def _part(form: AnyListForm) -> Page:
    limit, offset = form.window
    return Page(form.order, limit, 0 if form.after else offset, form.after)


def _page(
    request: web.Request,
    form: AnyListForm,
    found: Found,
    extended: list[dict[str, Any]] | None = None,
) -> web.Response:
    shown = [user.model() for user in found.users] if extended is None else extended
    return answer(shown, headers=list_headers(request.rel_url, form, found))
