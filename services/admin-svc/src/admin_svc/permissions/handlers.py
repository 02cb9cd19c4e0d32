"""Permissions over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.permissions.schemas import (
    AddPermissionForm,
    ChangePermissionForm,
    CheckPermissionForm,
    RemovePermissionForm,
    permission_to_public,
    trial_to_public,
)
from admin_svc.permissions.use_cases import Permissions
from shared.web.answers import answer, nothing
from shared.web.pagination import PageForm, page_headers
from shared.web.principal import PRINCIPAL

PERMISSIONS = web.AppKey("permissions", Permissions)


async def index(request: web.Request, form: PageForm) -> web.Response:
    """GET /admin/permissions."""
    page, total = await request.app[PERMISSIONS].list_page(*form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([permission_to_public(permission) for permission in page], headers=headers)


async def check(request: web.Request, form: CheckPermissionForm) -> web.Response:
    """GET /admin/permissions/check."""
    permissions = request.app[PERMISSIONS]
    trial = await permissions.try_out(form.role.strip(), form.verb, form.path, form.rules)
    return answer(trial_to_public(trial))


async def create(request: web.Request, form: AddPermissionForm) -> web.Response:
    """POST /admin/permissions."""
    actor = Actor.of(request[PRINCIPAL])
    created = await request.app[PERMISSIONS].create(actor, form.rule)
    return answer(permission_to_public(created), 201)


async def update(request: web.Request, form: ChangePermissionForm) -> web.Response:
    """PUT /admin/permissions."""
    actor = Actor.of(request[PRINCIPAL])
    updated = await request.app[PERMISSIONS].update(actor, form.id, form.given)
    return answer(permission_to_public(updated))


async def delete(request: web.Request, form: RemovePermissionForm) -> web.Response:
    """DELETE /admin/permissions."""
    await request.app[PERMISSIONS].delete(Actor.of(request[PRINCIPAL]), form.id)
    return nothing()
