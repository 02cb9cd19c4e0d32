"""The operations on API keys."""

from aiohttp import web

from resource_svc.api_keys.answers import Secrets
from resource_svc.api_keys.change_api_key import ChangeApiKey
from resource_svc.api_keys.create_api_key import CreateApiKey
from resource_svc.api_keys.delete_api_key import DeleteApiKey
from resource_svc.api_keys.end_api_keys import EndApiKeys
from resource_svc.api_keys.find_api_key import FindApiKey
from resource_svc.api_keys.forms import (
    ChangeApiKeyForm,
    CreateApiKeyForm,
    DeleteApiKeyForm,
    EndApiKeysForm,
    FindApiKeyForm,
    ListAnyApiKeysForm,
)
from resource_svc.api_keys.list_any_api_keys import ListAnyApiKeys
from resource_svc.api_keys.list_api_keys import ListApiKeys
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.pagination import PageForm, page_headers
from shared.web.principal import PRINCIPAL

CHANGE_API_KEY = web.AppKey("change_api_key", ChangeApiKey)
CREATE_API_KEY = web.AppKey("create_api_key", CreateApiKey)
END_API_KEYS = web.AppKey("end_api_keys", EndApiKeys)
DELETE_API_KEY = web.AppKey("delete_api_key", DeleteApiKey)
FIND_API_KEY = web.AppKey("find_api_key", FindApiKey)
LIST_ANY_API_KEYS = web.AppKey("list_any_api_keys", ListAnyApiKeys)
LIST_API_KEYS = web.AppKey("list_api_keys", ListApiKeys)
SECRETS = web.AppKey("secrets", Secrets)


async def index(request: web.Request, form: PageForm) -> web.Response:
    """GET /api_keys: a page of the caller's keys."""
    keys, total = await request.app[LIST_API_KEYS](request[PRINCIPAL].uid, form)
    return answer(
        [key.model_for_owner() for key in keys], headers=page_headers(request.rel_url, form, total)
    )


async def create(request: web.Request, form: CreateApiKeyForm) -> web.Response:
    """POST /api_keys: a new key, and its secret for the only time."""
    key, secret = await request.app[CREATE_API_KEY](
        request[PRINCIPAL].uid,
        form.algorithm,
        form.kid,
        form.public_key,
        form.scope,
        form.totp_code,
        client_of(request),
    )
    return answer(request.app[SECRETS].shown(key, secret), 201)


async def change(request: web.Request, form: ChangeApiKeyForm) -> web.Response:
    """PATCH /api_keys/{kid}: another scope or state."""
    key = await request.app[CHANGE_API_KEY](
        request[PRINCIPAL].uid, form.kid, form.scope, form.state, form.totp_code, client_of(request)
    )
    return answer(key.model_for_owner())


async def delete(request: web.Request, form: DeleteApiKeyForm) -> web.Response:
    """DELETE /api_keys/{kid}: a key less."""
    await request.app[DELETE_API_KEY](
        request[PRINCIPAL].uid, form.kid, form.totp_code, client_of(request)
    )
    return nothing()


async def find(request: web.Request, form: FindApiKeyForm) -> web.Response:
    """GET /api_keys/{kid}, internal: all that a signature is checked with."""
    return answer((await request.app[FIND_API_KEY](form.kid)).body())


async def end_all(request: web.Request, form: EndApiKeysForm) -> web.Response:
    """DELETE /users/{uid}/api_keys: none of them works any more."""
    await request.app[END_API_KEYS].at_once(form.uid)
    return nothing()


async def index_any(request: web.Request, form: ListAnyApiKeysForm) -> web.Response:
    """GET /users/{uid}/api_keys: one page of them, and how many there are."""
    keys, total = await request.app[LIST_ANY_API_KEYS](form.uid, form)
    return answer({"api_keys": [key.model() for key in keys], "total": total})
