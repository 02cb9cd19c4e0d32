"""The operations on API keys."""

from aiohttp import web

from resource_svc.api_keys.schemas import (
    ChangeApiKeyForm,
    CreateApiKeyForm,
    DeleteApiKeyForm,
    EndApiKeysForm,
    FindApiKeyForm,
    ListAnyApiKeysForm,
)
from resource_svc.api_keys.use_cases import ApiKeys
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.pagination import PageForm, page_headers
from shared.web.principal import PRINCIPAL

API_KEYS = web.AppKey("api_keys", ApiKeys)


async def index(request: web.Request, form: PageForm) -> web.Response:
    """GET /api_keys: a page of the caller's keys."""
    keys, total = await request.app[API_KEYS].list(request[PRINCIPAL].uid, form)
    return answer(
        [key.to_owner() for key in keys], headers=page_headers(request.rel_url, form, total)
    )


async def create(request: web.Request, form: CreateApiKeyForm) -> web.Response:
    """POST /api_keys: a new key, with its secret, which is shown only once."""
    api_keys = request.app[API_KEYS]
    key, secret = await api_keys.create(
        request[PRINCIPAL].uid,
        form.algorithm,
        form.kid,
        form.public_key,
        form.scope,
        form.totp_code,
        client_of(request),
    )
    return answer(key.to_creator(secret, vault_shaped=api_keys.vault_shaped_secrets), 201)


async def change(request: web.Request, form: ChangeApiKeyForm) -> web.Response:
    """PATCH /api_keys/{kid}: changes scope or state."""
    key = await request.app[API_KEYS].update(
        request[PRINCIPAL].uid, form.kid, form.scope, form.state, form.totp_code, client_of(request)
    )
    return answer(key.to_owner())


async def delete(request: web.Request, form: DeleteApiKeyForm) -> web.Response:
    """DELETE /api_keys/{kid}: deletes a key."""
    await request.app[API_KEYS].delete(
        request[PRINCIPAL].uid, form.kid, form.totp_code, client_of(request)
    )
    return nothing()


async def find(request: web.Request, form: FindApiKeyForm) -> web.Response:
    """GET /api_keys/{kid}, internal: everything that a signature is checked with."""
    return answer((await request.app[API_KEYS].get(form.kid)).to_internal())


async def end_all(request: web.Request, form: EndApiKeysForm) -> web.Response:
    """DELETE /users/{uid}/api_keys: deactivates all keys of a user."""
    await request.app[API_KEYS].end_all(form.uid)
    return nothing()


async def index_as_admin(request: web.Request, form: ListAnyApiKeysForm) -> web.Response:
    """GET /users/{uid}/api_keys: a page of a user's keys, and how many there are."""
    keys, total = await request.app[API_KEYS].list_as_admin(form.uid, form)
    return answer({"api_keys": [key.to_public() for key in keys], "total": total})
