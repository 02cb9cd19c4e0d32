"""Permissions over HTTP."""

from aiohttp import web

from admin_svc.permissions.add import AddPermission
from admin_svc.permissions.change import ChangePermission
from admin_svc.permissions.forms import (
    AddPermissionForm,
    ChangePermissionForm,
    RemovePermissionForm,
)
from admin_svc.permissions.read import ListPermissions
from admin_svc.permissions.remove import RemovePermission
from shared.web.answers import answer, nothing
from shared.web.pagination import PageForm, page_headers

LIST_PERMISSIONS = web.AppKey("list_permissions", ListPermissions)
ADD_PERMISSION = web.AppKey("add_permission", AddPermission)
CHANGE_PERMISSION = web.AppKey("change_permission", ChangePermission)
REMOVE_PERMISSION = web.AppKey("remove_permission", RemovePermission)


async def index(request: web.Request, form: PageForm) -> web.Response:
    """GET /admin/permissions."""
    page, total = await request.app[LIST_PERMISSIONS](*form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([permission.shown() for permission in page], headers=headers)


async def create(request: web.Request, form: AddPermissionForm) -> web.Response:
    """POST /admin/permissions."""
    added = await request.app[ADD_PERMISSION](form.rule)
    return answer(added.shown(), 201)


async def update(request: web.Request, form: ChangePermissionForm) -> web.Response:
    """PUT /admin/permissions."""
    changed = await request.app[CHANGE_PERMISSION](form.id, form.given)
    return answer(changed.shown())


async def delete(request: web.Request, form: RemovePermissionForm) -> web.Response:
    """DELETE /admin/permissions."""
    await request.app[REMOVE_PERMISSION](form.id)
    return nothing()
