"""Endpoints over HTTP."""

from aiohttp import web

from shared.web.answers import answer, nothing
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, page_headers
from shared.web.principal import PRINCIPAL
from webhooks_svc.endpoints.models import (
    Endpoint,
    EndpointNotFound,
    ForbiddenAddress,
    InvalidUrl,
    TooManyEndpoints,
    UnknownEvents,
    shown,
)
from webhooks_svc.endpoints.schemas import (
    ChangeEndpointForm,
    CreateEndpointForm,
    EndpointForm,
    ListEndpointsForm,
    WebhookSchema,
    WebhookWithSecretSchema,
    endpoint_to_public,
)
from webhooks_svc.endpoints.use_cases import Endpoints

ENDPOINTS = web.AppKey("endpoints", Endpoints)


@operation(answer=WebhookSchema(many=True), headers=BY_PAGE, beyond_barong=True)
async def index(request: web.Request, form: ListEndpointsForm) -> web.Response:
    """All endpoints of webhooks."""
    page, total = await request.app[ENDPOINTS].list_page(*form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([endpoint_to_public(endpoint) for endpoint in page], headers=headers)


_WRITTEN = (InvalidUrl, ForbiddenAddress, UnknownEvents)


@operation(
    status=201,
    answer=WebhookWithSecretSchema,
    refuses=(*_WRITTEN, TooManyEndpoints),
    beyond_barong=True,
)
async def create(request: web.Request, form: CreateEndpointForm) -> web.Response:
    """Add an endpoint.

    `events` are names, such as `model.user.updated`, or beginnings, such as `model.user.*`. The
    secret is shown only here.
    """
    return answer(
        _with_secret(await request.app[ENDPOINTS].create(request[PRINCIPAL], form.wanted))
    )


@operation(answer=WebhookSchema, refuses=(EndpointNotFound,), beyond_barong=True)
async def show(request: web.Request, form: EndpointForm) -> web.Response:
    """One endpoint."""
    return answer(endpoint_to_public(await request.app[ENDPOINTS].get(form.id)))


@operation(answer=WebhookSchema, refuses=(*_WRITTEN, EndpointNotFound), beyond_barong=True)
async def update(request: web.Request, form: ChangeEndpointForm) -> web.Response:
    """Change an endpoint.

    What is absent stays as it is.
    """
    endpoints, actor = request.app[ENDPOINTS], request[PRINCIPAL]
    return answer(endpoint_to_public(await endpoints.update(actor, form.id, form.given)))


@operation(status=204, refuses=(EndpointNotFound,), beyond_barong=True)
async def delete(request: web.Request, form: EndpointForm) -> web.Response:
    """Remove an endpoint and its log."""
    await request.app[ENDPOINTS].delete(request[PRINCIPAL], form.id)
    return nothing()


@operation(
    status=201,
    answer=WebhookWithSecretSchema,
    refuses=(EndpointNotFound,),
    beyond_barong=True,
)
async def rotate_secret(request: web.Request, form: EndpointForm) -> web.Response:
    """Rotate the secret.

    For 24 hours, deliveries are signed with the new secret and with the one before.
    """
    endpoints, actor = request.app[ENDPOINTS], request[PRINCIPAL]
    return answer(_with_secret(await endpoints.rotate_secret(actor, form.id)))


def _with_secret(endpoint: Endpoint) -> dict[str, object]:
    return {**endpoint_to_public(endpoint), "secret": shown(endpoint.secrets[0])}
