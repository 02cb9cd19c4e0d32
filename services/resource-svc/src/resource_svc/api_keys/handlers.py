"""The operations on API keys."""

from aiohttp import web

from resource_svc.api_keys.models import (
    INVALID_API_KEY,
    INVALID_CHANGE,
    SecondFactorDisabled,
    TooManyApiKeys,
    WrongCode,
)
from resource_svc.api_keys.schemas import (
    ChangeApiKeyForm,
    CreateApiKeyForm,
    DeleteApiKeyForm,
    EndApiKeysForm,
    FindApiKeyForm,
    ListAnyApiKeysForm,
)
from resource_svc.api_keys.use_cases import ApiKeys
from shared.contracts.refusals import UsedCode
from shared.contracts.schemas import APIKeySchema
from shared.errors import NotFound
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, PageForm, page_headers
from shared.web.principal import PRINCIPAL

API_KEYS = web.AppKey("api_keys", ApiKeys)


@operation(answer=APIKeySchema(many=True), headers=BY_PAGE, statuses=(400,))
async def index(request: web.Request, form: PageForm) -> web.Response:
    """One's API keys."""
    keys, total = await request.app[API_KEYS].list(request[PRINCIPAL].uid, form)
    return answer(
        [key.to_owner() for key in keys], headers=page_headers(request.rel_url, form, total)
    )


@operation(
    status=201,
    answer=APIKeySchema,
    refuses=(SecondFactorDisabled, TooManyApiKeys, WrongCode, UsedCode, INVALID_API_KEY),
    missing_is_400=True,
)
async def create(request: web.Request, form: CreateApiKeyForm) -> web.Response:
    """Make an API key.

    Needs the second factor. The secret is shown this once. `ed25519` needs a `public_key`
    instead: PEM, or 32 bytes in base64url.
    """
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
    return answer(key.to_creator(secret, vault_shaped=api_keys.vault_shaped_secrets))


@operation(
    answer=APIKeySchema,
    refuses=(NotFound, SecondFactorDisabled, WrongCode, UsedCode, INVALID_CHANGE),
    missing_is_400=True,
)
async def change(request: web.Request, form: ChangeApiKeyForm) -> web.Response:
    """Change an API key."""
    key = await request.app[API_KEYS].update(
        request[PRINCIPAL].uid, form.kid, form.scope, form.state, form.totp_code, client_of(request)
    )
    return answer(key.to_owner())


@operation(
    status=204, refuses=(NotFound, SecondFactorDisabled, WrongCode, UsedCode), missing_is_400=True
)
async def delete(request: web.Request, form: DeleteApiKeyForm) -> web.Response:
    """Delete an API key."""
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
