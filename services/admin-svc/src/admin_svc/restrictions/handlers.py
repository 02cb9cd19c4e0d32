"""Restrictions over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.restrictions.add import AddRestriction
from admin_svc.restrictions.change import ChangeRestriction
from admin_svc.restrictions.forms import (
    AddRestrictionForm,
    ChangeRestrictionForm,
    ListRestrictionsForm,
    RemoveRestrictionForm,
)
from admin_svc.restrictions.read import ListRestrictions
from admin_svc.restrictions.remove import RemoveRestriction
from shared.web.answers import answer, nothing
from shared.web.context import CLIENT_ADDRESS
from shared.web.pagination import page_headers
from shared.web.principal import PRINCIPAL

LIST_RESTRICTIONS = web.AppKey("list_restrictions", ListRestrictions)
ADD_RESTRICTION = web.AppKey("add_restriction", AddRestriction)
CHANGE_RESTRICTION = web.AppKey("change_restriction", ChangeRestriction)
REMOVE_RESTRICTION = web.AppKey("remove_restriction", RemoveRestriction)


async def index(request: web.Request, form: ListRestrictionsForm) -> web.Response:
    """GET /admin/restrictions."""
    page, total = await request.app[LIST_RESTRICTIONS](form.scope, form.category, *form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([restriction.shown() for restriction in page], headers=headers)


async def create(request: web.Request, form: AddRestrictionForm) -> web.Response:
    """POST /admin/restrictions."""
    actor = Actor.of(request[PRINCIPAL])
    added = await request.app[ADD_RESTRICTION](actor, form.terms, request[CLIENT_ADDRESS])
    return answer(added.shown(), 201)


async def update(request: web.Request, form: ChangeRestrictionForm) -> web.Response:
    """PUT /admin/restrictions."""
    actor = Actor.of(request[PRINCIPAL])
    changed = await request.app[CHANGE_RESTRICTION](
        actor, form.id, form.given, request[CLIENT_ADDRESS]
    )
    return answer(changed.shown())


async def delete(request: web.Request, form: RemoveRestrictionForm) -> web.Response:
    """DELETE /admin/restrictions."""
    actor = Actor.of(request[PRINCIPAL])
    await request.app[REMOVE_RESTRICTION](actor, form.id, request[CLIENT_ADDRESS])
    return nothing()
