"""The internal operations of administrators."""

from aiohttp import web

from identity_svc.administration.schemas import (
    ChangeEmailForm,
    ChangeRoleForm,
    ChangeStateForm,
    EndSessionsForm,
    GetSubjectForm,
    ResetSecondFactorForm,
)
from identity_svc.administration.use_cases import Administration
from shared.web.answers import answer

ADMINISTRATION = web.AppKey("administration", Administration)


async def get_subject(request: web.Request, form: GetSubjectForm) -> web.Response:
    """POST /users/{uid}/subject: the administrator and the user, whom they may change."""
    actor, subject = await request.app[ADMINISTRATION].get_subject(form.by, form.uid)
    return answer({"author": actor.to_internal(), "subject": subject.to_internal()})


async def change_role(request: web.Request, form: ChangeRoleForm) -> web.Response:
    """PUT /users/{uid}/role: the user before and after."""
    changed = await request.app[ADMINISTRATION].change_role(form.by, form.uid, form.role)
    return answer(changed.to_internal())


async def change_email(request: web.Request, form: ChangeEmailForm) -> web.Response:
    """PUT /users/{uid}/email: the user before and after."""
    changed = await request.app[ADMINISTRATION].change_email(form.by, form.uid, form.email)
    return answer(changed.to_internal())


async def change_state(request: web.Request, form: ChangeStateForm) -> web.Response:
    """PUT /users/{uid}/state: the user before and after."""
    changed = await request.app[ADMINISTRATION].change_state(form.by, form.uid, form.state)
    return answer(changed.to_internal())


async def reset_second_factor(request: web.Request, form: ResetSecondFactorForm) -> web.Response:
    """DELETE /users/{uid}/otp: the user before and after."""
    changed = await request.app[ADMINISTRATION].reset_second_factor(form.by, form.uid)
    return answer(changed.to_internal())


async def end_sessions(request: web.Request, form: EndSessionsForm) -> web.Response:
    """DELETE /users/{uid}/sessions: the sids of those that ended."""
    ended = await request.app[ADMINISTRATION].end_sessions(form.by, form.uid, form.sid)
    return answer({"sessions": list(ended)})
