"""The operation on API keys."""

from aiohttp import web

from admin_svc.api_keys.schemas import ListApiKeysForm
from admin_svc.api_keys.use_cases import ApiKeys
from shared.web.answers import answer
from shared.web.pagination import page_headers

API_KEYS = web.AppKey("api_keys", ApiKeys)


async def index(request: web.Request, form: ListApiKeysForm) -> web.Response:
    """GET /admin/api_keys."""
    api_keys, total = await request.app[API_KEYS].list_page(form.uid, form)
    return answer(api_keys, headers=page_headers(request.rel_url, form, total))
