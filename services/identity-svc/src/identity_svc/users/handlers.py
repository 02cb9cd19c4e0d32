"""Sign-up, and other services' questions about users."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import USER_CREATE
from identity_svc.sessions.handlers import SESSION_COOKIE
from identity_svc.users.change_data import ChangeData
from identity_svc.users.find_user import FindUser
from identity_svc.users.forms import (
    USUAL_USERS,
    ChangeDataForm,
    FindUserForm,
    ListUsersForm,
    SignUpForm,
)
from identity_svc.users.list_users import ListUsers
from identity_svc.users.sign_up import SignUp
from shared.contracts.users import NO_ATTACHMENTS
from shared.web.answers import answer
from shared.web.client import client_of

SIGN_UP = web.AppKey("sign_up", SignUp)
FIND_USER = web.AppKey("find_user", FindUser)
LIST_USERS = web.AppKey("list_users", ListUsers)
CHANGE_DATA = web.AppKey("change_data", ChangeData)


async def sign_up(request: web.Request, form: SignUpForm) -> web.Response:
    """POST /identity/users."""
    await request.app[CAPTCHAS].verify(USER_CREATE, form.captcha_response)
    opened = await request.app[SIGN_UP](form, client_of(request))
    return request.app[SESSION_COOKIE].hand_over(opened, NO_ATTACHMENTS)


async def find(request: web.Request, form: FindUserForm) -> web.Response:
    """GET /users/{uid}."""
    return answer((await request.app[FIND_USER](form.uid)).snapshot())


async def index(request: web.Request, form: ListUsersForm) -> web.Response:
    """GET /users: the users after one."""
    users = await request.app[LIST_USERS](form.after, form.limit or USUAL_USERS)
    return answer({"users": [user.snapshot() for user in users]})


async def change_data(request: web.Request, form: ChangeDataForm) -> web.Response:
    """PUT /users/{uid}/data: the user as he is now."""
    return answer((await request.app[CHANGE_DATA](form.uid, form.data)).snapshot())
