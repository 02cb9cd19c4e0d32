"""Clients over HTTP: for administrators, and as callers of the protocol's endpoints."""

from typing import Any

from aiohttp import web

from oauth_svc.clients.models import (
    INVALID_CLIENT,
    Actor,
    ClientNotFound,
    HasDocument,
    NoSecret,
    RegisteredClient,
    TooManyClients,
)
from oauth_svc.clients.schemas import (
    ChangeClientForm,
    ClientForm,
    CreateClientForm,
    ListClientsForm,
    OAuthClientSchema,
    OAuthClientWithSecretSchema,
    to_public,
)
from oauth_svc.clients.use_cases import Clients
from oauth_svc.protocol.client import Client
from oauth_svc.protocol.client_authentication import credentials_of
from oauth_svc.protocol.errors import INVALID_REQUEST, OAuthError
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.protocol_http import parameters_of
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, page_headers
from shared.web.principal import PRINCIPAL

CLIENTS = web.AppKey("clients", Clients)


@operation(answer=OAuthClientSchema(many=True), headers=BY_PAGE, beyond_barong=True)
async def index(request: web.Request, form: ListClientsForm) -> web.Response:
    """All clients of the OAuth provider."""
    page, total = await request.app[CLIENTS].list_page(*form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([to_public(each) for each in page], headers=headers)


@operation(
    status=201,
    answer=OAuthClientWithSecretSchema,
    refuses=(INVALID_CLIENT, TooManyClients),
    beyond_barong=True,
)
async def create(request: web.Request, form: CreateClientForm) -> web.Response:
    """Register a client.

    Lists are comma separated, or lists in JSON. The secret is shown only here.
    """
    clients = request.app[CLIENTS]
    wanted = form.wanted(clients.access_seconds, clients.refresh_seconds)
    return answer(_with_secret(*await clients.create(wanted, actor_of(request))))


@operation(answer=OAuthClientSchema, refuses=(ClientNotFound,), beyond_barong=True)
async def show(request: web.Request, form: ClientForm) -> web.Response:
    """One client."""
    return answer(to_public(await request.app[CLIENTS].get(form.client_id)))


@operation(
    answer=OAuthClientSchema,
    refuses=(INVALID_CLIENT, ClientNotFound, HasDocument),
    beyond_barong=True,
)
async def update(request: web.Request, form: ChangeClientForm) -> web.Response:
    """Change a client; parameters that are absent change nothing."""
    clients = request.app[CLIENTS]
    return answer(to_public(await clients.update(form.client_id, form.given, actor_of(request))))


@operation(
    status=201,
    answer=OAuthClientWithSecretSchema,
    refuses=(ClientNotFound, NoSecret),
    beyond_barong=True,
)
async def rotate_secret(request: web.Request, form: ClientForm) -> web.Response:
    """Give a client another secret.

    The previous one is accepted, too, for 24 hours.
    """
    clients = request.app[CLIENTS]
    return answer(_with_secret(*await clients.rotate_secret(form.client_id, actor_of(request))))


def actor_of(request: web.Request) -> Actor:
    """The administrator who makes this request."""
    principal = request[PRINCIPAL]
    return Actor(principal.uid, principal.role)


async def authenticated(request: web.Request) -> tuple[Client, Parameters]:
    """The client that makes this request, and the request's parameters; raises `OAuthError`."""
    parameters = await parameters_of(request)
    parameters.require_unrepeated()
    headers = request.headers.getall("Authorization", [])
    if len(headers) > 1:
        raise OAuthError(INVALID_REQUEST, "More than one Authorization header.")
    credentials = credentials_of(parameters, headers[0] if headers else None)
    return await request.app[CLIENTS].authenticate(credentials), parameters


def _with_secret(registered: RegisteredClient, secret: str | None) -> dict[str, Any]:
    return {**to_public(registered), "client_secret": secret}
