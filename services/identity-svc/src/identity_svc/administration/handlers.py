"""The internal operations of administrators."""

from aiohttp import web

from identity_svc.administration.change_role import ChangeRole
from identity_svc.administration.change_state import ChangeState
from identity_svc.administration.demand_successor import DemandSuccessor
from identity_svc.administration.find_subject import FindSubject
from identity_svc.administration.forms import (
    ChangeRoleForm,
    ChangeStateForm,
    FindSubjectForm,
    ResetSecondFactorForm,
)
from identity_svc.administration.reset_second_factor import ResetSecondFactor
from identity_svc.users.forms import FindUserForm
from shared.web.answers import answer, nothing

FIND_SUBJECT = web.AppKey("find_subject", FindSubject)
DEMAND_SUCCESSOR = web.AppKey("demand_successor", DemandSuccessor)
CHANGE_ROLE = web.AppKey("change_role", ChangeRole)
CHANGE_STATE = web.AppKey("change_state", ChangeState)
RESET_SECOND_FACTOR = web.AppKey("reset_second_factor", ResetSecondFactor)


async def find_subject(request: web.Request, form: FindSubjectForm) -> web.Response:
    """POST /users/{uid}/subject: the administrator and the user, whom they may change."""
    author, subject = await request.app[FIND_SUBJECT](form.by, form.uid)
    return answer({"author": author.snapshot(), "subject": subject.snapshot()})


async def demand_successor(request: web.Request, form: FindUserForm) -> web.Response:
    """POST /users/{uid}/successor: whether the user may go."""
    await request.app[DEMAND_SUCCESSOR](form.uid)
    return nothing()


async def change_role(request: web.Request, form: ChangeRoleForm) -> web.Response:
    """PUT /users/{uid}/role: the user before and after."""
    return answer((await request.app[CHANGE_ROLE](form.by, form.uid, form.role)).body())


async def change_state(request: web.Request, form: ChangeStateForm) -> web.Response:
    """PUT /users/{uid}/state: the user before and after."""
    return answer((await request.app[CHANGE_STATE](form.by, form.uid, form.state)).body())


async def reset_second_factor(request: web.Request, form: ResetSecondFactorForm) -> web.Response:
    """DELETE /users/{uid}/otp: the user before and after."""
    return answer((await request.app[RESET_SECOND_FACTOR](form.by, form.uid)).body())
