"""The directory over HTTP."""

from aiohttp import web

from admin_svc.directory.find import FindUsers
from admin_svc.directory.forms import FindUsersForm
from shared.web.answers import answer
from shared.web.pagination import page_headers

FIND_USERS = web.AppKey("find_users", FindUsers)


async def index(request: web.Request, form: FindUsersForm) -> web.Response:
    """GET /admin/users."""
    page, total = await request.app[FIND_USERS](form.wanted, *form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([user.model() for user in page], headers=headers)
