"""The operations on users, and answers that show a user with all attachments."""

from aiohttp import web

from resource_svc.users.schemas import ChangeDataForm, UserForm
from resource_svc.users.use_cases import Users
from shared.contracts.refusals import INVALID_DATA
from shared.contracts.schemas import UserWithFullInfoSchema
from shared.contracts.users import User, full_information
from shared.web.answers import answer, nothing
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

USERS = web.AppKey("users", Users)


@operation(answer=UserWithFullInfoSchema)
async def me(request: web.Request, _form: NoParameters) -> web.Response:
    """Oneself."""
    return await found_answer(request, request[PRINCIPAL].uid)


@operation(answer=UserWithFullInfoSchema, refuses=(INVALID_DATA,), statuses=(400,))
async def change_data(request: web.Request, form: ChangeDataForm) -> web.Response:
    """Change one's data."""
    user = await request.app[USERS].update_data(request[PRINCIPAL].uid, form.data)
    return await full_answer(request, user)


async def upsert(request: web.Request, form: UserForm) -> web.Response:
    """PUT /users/{uid}: a user whom identity-svc has just described to the caller."""
    await request.app[USERS].upsert(form.user)
    return nothing()


async def attachments(request: web.Request, form: UserForm) -> web.Response:
    """PUT /users: the attachments of a user, whom it upserts as the caller describes them.

    So identity-svc's answers, and the next calls of its client here, show one and the same user.
    """
    user = await request.app[USERS].upsert(form.user)
    return answer(await request.app[USERS].list_attachments(user.uid))


async def full_answer(request: web.Request, user: User) -> web.Response:
    """The `UserWithFullInfo` of a user who was just changed."""
    attached = await request.app[USERS].list_attachments(user.uid)
    return answer(full_information(user, attached))


async def found_answer(request: web.Request, uid: str) -> web.Response:
    """The `UserWithFullInfo` of a user; raises `NotFound` or `Unavailable`."""
    user, attached = await request.app[USERS].get_with_attachments(uid)
    return answer(full_information(user, attached))
