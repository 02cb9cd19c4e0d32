"""The operation on API keys."""

from aiohttp import web

from admin_svc.api_keys.forms import ListApiKeysForm
from admin_svc.api_keys.list_api_keys import ListApiKeys
from shared.web.answers import answer
from shared.web.pagination import page_headers

LIST_API_KEYS = web.AppKey("list_api_keys", ListApiKeys)


async def index(request: web.Request, form: ListApiKeysForm) -> web.Response:
    """GET /admin/api_keys."""
    api_keys, total = await request.app[LIST_API_KEYS](form.uid, form)
    return answer(api_keys, headers=page_headers(request.rel_url, form, total))
