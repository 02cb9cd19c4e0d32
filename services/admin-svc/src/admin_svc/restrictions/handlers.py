"""Restrictions over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.restrictions.schemas import (
    AddRestrictionForm,
    ChangeRestrictionForm,
    ListRestrictionsForm,
    RemoveRestrictionForm,
    restriction_to_public,
)
from admin_svc.restrictions.use_cases import Restrictions
from shared.web.answers import answer, nothing
from shared.web.context import CLIENT_ADDRESS
from shared.web.pagination import page_headers
from shared.web.principal import PRINCIPAL

RESTRICTIONS = web.AppKey("restrictions", Restrictions)


async def index(request: web.Request, form: ListRestrictionsForm) -> web.Response:
    """GET /admin/restrictions."""
    restrictions = request.app[RESTRICTIONS]
    page, total = await restrictions.list_page(form.scope, form.category, *form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([restriction_to_public(restriction) for restriction in page], headers=headers)


async def create(request: web.Request, form: AddRestrictionForm) -> web.Response:
    """POST /admin/restrictions."""
    actor, address = Actor.of(request[PRINCIPAL]), request[CLIENT_ADDRESS]
    created = await request.app[RESTRICTIONS].create(actor, form.terms, address)
    return answer(restriction_to_public(created), 201)


async def update(request: web.Request, form: ChangeRestrictionForm) -> web.Response:
    """PUT /admin/restrictions."""
    actor, address = Actor.of(request[PRINCIPAL]), request[CLIENT_ADDRESS]
    updated = await request.app[RESTRICTIONS].update(actor, form.id, form.given, address)
    return answer(restriction_to_public(updated))


async def delete(request: web.Request, form: RemoveRestrictionForm) -> web.Response:
    """DELETE /admin/restrictions."""
    actor, address = Actor.of(request[PRINCIPAL]), request[CLIENT_ADDRESS]
    await request.app[RESTRICTIONS].delete(actor, form.id, address)
    return nothing()
