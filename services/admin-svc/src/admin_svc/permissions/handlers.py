"""Permissions over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.permissions.add import AddPermission
from admin_svc.permissions.change import ChangePermission
from admin_svc.permissions.check import CheckPermission
from admin_svc.permissions.forms import (
    AddPermissionForm,
    ChangePermissionForm,
    CheckPermissionForm,
    RemovePermissionForm,
)
from admin_svc.permissions.read import ListPermissions
from admin_svc.permissions.remove import RemovePermission
from shared.web.answers import answer, nothing
from shared.web.pagination import PageForm, page_headers
from shared.web.principal import PRINCIPAL

LIST_PERMISSIONS = web.AppKey("list_permissions", ListPermissions)
CHECK_PERMISSION = web.AppKey("check_permission", CheckPermission)
ADD_PERMISSION = web.AppKey("add_permission", AddPermission)
CHANGE_PERMISSION = web.AppKey("change_permission", ChangePermission)
REMOVE_PERMISSION = web.AppKey("remove_permission", RemovePermission)


async def index(request: web.Request, form: PageForm) -> web.Response:
    """GET /admin/permissions."""
    page, total = await request.app[LIST_PERMISSIONS](*form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([permission.shown() for permission in page], headers=headers)


async def check(request: web.Request, form: CheckPermissionForm) -> web.Response:
    """GET /admin/permissions/check."""
    use_case = request.app[CHECK_PERMISSION]
    trial = await use_case(form.role.strip(), form.verb, form.path, form.rules)
    return answer(trial.shown())


async def create(request: web.Request, form: AddPermissionForm) -> web.Response:
    """POST /admin/permissions."""
    added = await request.app[ADD_PERMISSION](Actor.of(request[PRINCIPAL]), form.rule)
    return answer(added.shown(), 201)


async def update(request: web.Request, form: ChangePermissionForm) -> web.Response:
    """PUT /admin/permissions."""
    actor = Actor.of(request[PRINCIPAL])
    changed = await request.app[CHANGE_PERMISSION](actor, form.id, form.given)
    return answer(changed.shown())


async def delete(request: web.Request, form: RemovePermissionForm) -> web.Response:
    """DELETE /admin/permissions."""
    await request.app[REMOVE_PERMISSION](Actor.of(request[PRINCIPAL]), form.id)
    return nothing()
