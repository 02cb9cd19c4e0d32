"""Consents over HTTP: one's own, and those to a client for administrators."""

from aiohttp import web

from oauth_svc.clients.handlers import actor_of
from oauth_svc.clients.models import ClientNotFound
from oauth_svc.clients.schemas import ClientForm
from oauth_svc.consents.models import ConsentNotFound
from oauth_svc.consents.schemas import (
    ClientConsentForm,
    ConsentForm,
    ConsentSchema,
    ListClientConsentsForm,
    ListConsentsForm,
    to_public,
)
from oauth_svc.consents.use_cases import Consents
from shared.web.answers import answer, nothing
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, page_headers
from shared.web.principal import PRINCIPAL

CONSENTS = web.AppKey("consents", Consents)


@operation(answer=ConsentSchema(many=True), headers=BY_PAGE, beyond_barong=True)
async def index(request: web.Request, form: ListConsentsForm) -> web.Response:
    """What one has allowed applications."""
    uid = request[PRINCIPAL].uid
    page, total = await request.app[CONSENTS].list_of_user(uid, *form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([to_public(each) for each in page], headers=headers)


@operation(status=204, refuses=(ConsentNotFound,), beyond_barong=True)
async def revoke(request: web.Request, form: ConsentForm) -> web.Response:
    """Take a consent back.

    All tokens end that the application has for the user.
    """
    await request.app[CONSENTS].revoke(request[PRINCIPAL].uid, form.client_id)
    return nothing()


@operation(
    answer=ConsentSchema(many=True),
    headers=BY_PAGE,
    refuses=(ClientNotFound,),
    beyond_barong=True,
)
async def index_of_client(request: web.Request, form: ListClientConsentsForm) -> web.Response:
    """What users have allowed a client."""
    page, total = await request.app[CONSENTS].list_of_client(form.client_id, *form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([to_public(each) for each in page], headers=headers)


@operation(status=204, refuses=(ConsentNotFound,), beyond_barong=True)
async def revoke_of_client(request: web.Request, form: ClientConsentForm) -> web.Response:
    """Take a user's consent to a client back."""
    await request.app[CONSENTS].revoke(form.uid, form.client_id)
    return nothing()


@operation(status=204, refuses=(ClientNotFound,), beyond_barong=True)
async def delete_client(request: web.Request, form: ClientForm) -> web.Response:
    """Delete a client.

    All its tokens, and users' consents to it, end.
    """
    await request.app[CONSENTS].delete_client(form.client_id, actor_of(request))
    return nothing()
