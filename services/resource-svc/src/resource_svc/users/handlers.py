"""The operations on users."""

from aiohttp import web

from resource_svc.users.collect_attachments import CollectAttachments
from resource_svc.users.find_user import FindUser
from resource_svc.users.forms import UserForm
from resource_svc.users.keep_user import KeepUser
from shared.contracts.users import full_information
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

FIND_USER = web.AppKey("find_user", FindUser)
KEEP_USER = web.AppKey("keep_user", KeepUser)
COLLECT_ATTACHMENTS = web.AppKey("collect_attachments", CollectAttachments)


async def me(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /users/me: the caller with all that he attached to himself."""
    uid = request[PRINCIPAL].uid
    user = await request.app[FIND_USER](uid)
    attachments = await request.app[COLLECT_ATTACHMENTS](uid)
    return answer(full_information(user, attachments))


async def attachments(request: web.Request, form: UserForm) -> web.Response:
    """PUT /users: what is attached to a user, who is kept as the caller knows him.

    So identity-svc's answers, and whatever its client asks here next, show one and the same user.
    """
    user = await request.app[KEEP_USER](form.user)
    return answer(await request.app[COLLECT_ATTACHMENTS](user.uid))
