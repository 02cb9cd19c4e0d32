"""Other services' questions about users, and their data."""

from aiohttp import web

from identity_svc.users.schemas import USUAL_USERS, ChangeDataForm, GetUserForm, ListUsersForm
from identity_svc.users.use_cases import Users
from shared.web.answers import answer

USERS = web.AppKey("users", Users)


async def get(request: web.Request, form: GetUserForm) -> web.Response:
    """GET /users/{uid}."""
    return answer((await request.app[USERS].get(form.uid)).to_internal())


async def index(request: web.Request, form: ListUsersForm) -> web.Response:
    """GET /users: the users after one."""
    users = await request.app[USERS].list(form.after, form.limit or USUAL_USERS)
    return answer({"users": [user.to_internal() for user in users]})


async def change_data(request: web.Request, form: ChangeDataForm) -> web.Response:
    """PUT /users/{uid}/data: the user as they are now."""
    return answer((await request.app[USERS].change_data(form.uid, form.data)).to_internal())
