"""Permissions over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.permissions.models import InvalidAction, PermissionNotFound, PermissionTaken
from admin_svc.permissions.schemas import (
    AbilitySchema,
    AddPermissionForm,
    ChangePermissionForm,
    CheckPermissionForm,
    PermissionCheckSchema,
    PermissionSchema,
    RemovePermissionForm,
    ability_to_public,
    permission_to_public,
    trial_to_public,
)
from admin_svc.permissions.use_cases import Permissions
from shared.web.answers import answer, nothing
from shared.web.operations import NoParameters, operation
from shared.web.pagination import BY_PAGE, PageForm, page_headers
from shared.web.principal import PRINCIPAL

PERMISSIONS = web.AppKey("permissions", Permissions)


@operation(answer=PermissionSchema(many=True), headers=BY_PAGE)
async def index(request: web.Request, form: PageForm) -> web.Response:
    """All permissions."""
    page, total = await request.app[PERMISSIONS].list_page(*form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([permission_to_public(permission) for permission in page], headers=headers)


@operation(answer=AbilitySchema(many=True), beyond_barong=True)
async def abilities(request: web.Request, _form: NoParameters) -> web.Response:
    """What the caller's own role may do: its permissions.

    For front ends that show nothing else. A call needs an ACCEPT and no DROP for its verb (or ALL)
    at its path or above.
    """
    rules = await request.app[PERMISSIONS].list_of_role(request[PRINCIPAL].role)
    return answer([ability_to_public(rule) for rule in rules])


@operation(answer=PermissionCheckSchema, refuses=(InvalidAction,), beyond_barong=True)
async def check(request: web.Request, form: CheckPermissionForm) -> web.Response:
    """What permissions would decide about a call.

    `rules`, a JSON list of permissions, replaces the table.
    """
    permissions = request.app[PERMISSIONS]
    trial = await permissions.try_out(form.role.strip(), form.verb, form.path, form.rules)
    return answer(trial_to_public(trial))


@operation(status=201, answer=PermissionSchema, refuses=(PermissionTaken,))
async def create(request: web.Request, form: AddPermissionForm) -> web.Response:
    """Add a permission.

    Acts on every gateway within a second.
    """
    actor = Actor.of(request[PRINCIPAL])
    created = await request.app[PERMISSIONS].create(actor, form.rule)
    return answer(permission_to_public(created))


@operation(answer=PermissionSchema, refuses=(PermissionNotFound, PermissionTaken))
async def update(request: web.Request, form: ChangePermissionForm) -> web.Response:
    """Change a permission."""
    actor = Actor.of(request[PRINCIPAL])
    updated = await request.app[PERMISSIONS].update(actor, form.id, form.given)
    return answer(permission_to_public(updated))


@operation(status=204, refuses=(PermissionNotFound,))
async def delete(request: web.Request, form: RemovePermissionForm) -> web.Response:
    """Remove a permission."""
    await request.app[PERMISSIONS].delete(Actor.of(request[PRINCIPAL]), form.id)
    return nothing()
