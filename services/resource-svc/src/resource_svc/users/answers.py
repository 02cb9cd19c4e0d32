"""The answers that show a user with all that he attached to himself: `UserWithFullInfo`."""

from aiohttp import web

from resource_svc.users.collect_attachments import CollectAttachments
from shared.contracts.users import User, full_information
from shared.web.answers import answer

COLLECT_ATTACHMENTS = web.AppKey("collect_attachments", CollectAttachments)


async def full_answer(request: web.Request, user: User, status: int = 200) -> web.Response:
    """The answer of what has just changed the user."""
    attachments = await request.app[COLLECT_ATTACHMENTS](user.uid)
    return answer(full_information(user, attachments), status)


async def found_answer(request: web.Request, uid: str, status: int = 200) -> web.Response:
    """The answer of what only knows who he is; raises `NotFound` or `Unavailable`."""
    user, attachments = await request.app[COLLECT_ATTACHMENTS].with_user(uid)
    return answer(full_information(user, attachments), status)
