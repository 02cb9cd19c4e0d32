"""Restrictions over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.restrictions.models import LocksOutActor, RestrictionNotFound
from admin_svc.restrictions.schemas import (
    AddRestrictionForm,
    ChangeRestrictionForm,
    CheckRestrictionForm,
    ListRestrictionsForm,
    RemoveRestrictionForm,
    RestrictionCheckSchema,
    RestrictionSchema,
    restriction_to_public,
    trial_to_public,
)
from admin_svc.restrictions.use_cases import Restrictions
from shared.contracts.refusals import RestrictionValueTaken
from shared.web.answers import answer, nothing
from shared.web.context import CLIENT_ADDRESS
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, page_headers
from shared.web.principal import PRINCIPAL

RESTRICTIONS = web.AppKey("restrictions", Restrictions)


@operation(answer=RestrictionSchema(many=True), headers=BY_PAGE)
async def index(request: web.Request, form: ListRestrictionsForm) -> web.Response:
    """All restrictions."""
    restrictions = request.app[RESTRICTIONS]
    page, total = await restrictions.list_page(form.scope, form.category, *form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([restriction_to_public(restriction) for restriction in page], headers=headers)


@operation(answer=RestrictionCheckSchema, beyond_barong=True)
async def check(request: web.Request, form: CheckRestrictionForm) -> web.Response:
    """What restrictions would decide if one more were added.

    About the caller's own address, and about another `address`, or a caller in a `country` or on a
    `continent`. Without an address, it is a caller there who matches no rule for addresses.
    """
    trial = await request.app[RESTRICTIONS].try_out(
        form.terms, request[CLIENT_ADDRESS], form.address, form.place
    )
    return answer(trial_to_public(trial))


@operation(status=201, answer=RestrictionSchema, refuses=(LocksOutActor, RestrictionValueTaken))
async def create(request: web.Request, form: AddRestrictionForm) -> web.Response:
    """Add a restriction.

    Acts on every gateway within a second.
    """
    actor, address = Actor.of(request[PRINCIPAL]), request[CLIENT_ADDRESS]
    created = await request.app[RESTRICTIONS].create(actor, form.terms, address)
    return answer(restriction_to_public(created))


@operation(
    answer=RestrictionSchema, refuses=(LocksOutActor, RestrictionNotFound, RestrictionValueTaken)
)
async def update(request: web.Request, form: ChangeRestrictionForm) -> web.Response:
    """Change a restriction."""
    actor, address = Actor.of(request[PRINCIPAL]), request[CLIENT_ADDRESS]
    updated = await request.app[RESTRICTIONS].update(actor, form.id, form.given, address)
    return answer(restriction_to_public(updated))


@operation(status=204, refuses=(LocksOutActor, RestrictionNotFound))
async def delete(request: web.Request, form: RemoveRestrictionForm) -> web.Response:
    """Remove a restriction."""
    actor, address = Actor.of(request[PRINCIPAL]), request[CLIENT_ADDRESS]
    await request.app[RESTRICTIONS].delete(actor, form.id, address)
    return nothing()
