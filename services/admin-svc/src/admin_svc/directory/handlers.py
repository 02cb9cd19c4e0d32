"""The directory over HTTP."""

import json
from typing import Any

from aiohttp import web

from admin_svc.directory.models import Found, Page, UserNotFound
from admin_svc.directory.schemas import (
    COUNTS,
    USERS,
    AnyListForm,
    FindLabelledForm,
    FindUserForm,
    FindUsersForm,
    FindWaitingForm,
    ListLabelsForm,
    UserWithKYCSchema,
    list_headers,
    profile_to_public,
    user_to_public,
)
from admin_svc.directory.use_cases import Directory
from shared.contracts.schemas import ProfileSchema, UserSchema
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.pagination import BY_CURSOR_TOO, BY_PAGE, PageForm, page_headers

DIRECTORY = web.AppKey("directory", Directory)


@operation(answer=USERS, headers=BY_CURSOR_TOO)
async def index(request: web.Request, form: FindUsersForm) -> web.Response:
    """Users.

    `extended` shows them with their profiles.
    """
    directory = request.app[DIRECTORY]
    found = await directory.list_users(form.wanted, _page(form))
    if not form.extended:
        return _answer(request, form, found)
    extended = await directory.with_profiles(found.users)
    return _answer(request, form, found, [user_to_public(each) for each in extended])


@operation(answer=USERS, headers=BY_CURSOR_TOO)
async def waiting(request: web.Request, form: FindWaitingForm) -> web.Response:
    """Users whose documents wait for a verdict."""
    directory = request.app[DIRECTORY]
    found = await directory.list_users(form.wanted, _page(form))
    if not form.extended:
        return _answer(request, form, found)
    extended = await directory.with_everything(found.users)
    return _answer(request, form, found, [user_to_public(each) for each in extended])


@operation(answer=UserSchema(many=True), headers=BY_CURSOR_TOO)
async def labelled(request: web.Request, form: FindLabelledForm) -> web.Response:
    """Users who have a label.

    Private labels, or with `scope` those that are `public`: the users' own words.
    """
    found = await request.app[DIRECTORY].list_users(form.wanted, _page(form))
    return _answer(request, form, found)


@operation(answer=UserWithKYCSchema, refuses=(UserNotFound,))
async def show(request: web.Request, form: FindUserForm) -> web.Response:
    """A user with all attachments."""
    directory = request.app[DIRECTORY]
    user = await directory.get(form.uid.strip())
    (extended,) = await directory.with_everything([user])
    return answer(user_to_public(extended))


@operation(answer=COUNTS)
async def labels(request: web.Request, form: ListLabelsForm) -> web.Response:
    """How many users have each label.

    Private labels, or with `scope` those that are `public`.
    """
    counted = await request.app[DIRECTORY].list_labels(form.scope)
    return answer({json.dumps(label): number for label, number in counted.items()})


@operation(answer=ProfileSchema(many=True), headers=BY_PAGE)
async def profiles(request: web.Request, form: PageForm) -> web.Response:
    """All profiles."""
    page, total = await request.app[DIRECTORY].list_profiles(*form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([profile_to_public(record) for record in page], headers=headers)


def _page(form: AnyListForm) -> Page:
    limit, offset = form.window
    return Page(form.order, limit, 0 if form.after else offset, form.after)


def _answer(
    request: web.Request,
    form: AnyListForm,
    found: Found,
    extended: list[dict[str, Any]] | None = None,
) -> web.Response:
    shown = [user.to_public() for user in found.users] if extended is None else extended
    return answer(shown, headers=list_headers(request.rel_url, form, found))
