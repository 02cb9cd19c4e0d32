"""The operation on API keys."""

from aiohttp import web

from admin_svc.api_keys.schemas import ListApiKeysForm
from admin_svc.api_keys.use_cases import ApiKeys
from admin_svc.directory.models import UserNotFound
from shared.contracts.schemas import APIKeySchema
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, page_headers

API_KEYS = web.AppKey("api_keys", ApiKeys)


@operation(answer=APIKeySchema(many=True), headers=BY_PAGE, refuses=(UserNotFound,))
async def index(request: web.Request, form: ListApiKeysForm) -> web.Response:
    """A user's API keys."""
    api_keys, total = await request.app[API_KEYS].list_page(form.uid, form)
    return answer(api_keys, headers=page_headers(request.rel_url, form, total))
