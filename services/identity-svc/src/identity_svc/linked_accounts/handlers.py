"""The operations on one's own linked accounts."""

from aiohttp import web

from identity_svc.linked_accounts.models import (
    LinkedAccountNotFound,
    LinkedAccountTaken,
    TooManyLinkedAccounts,
)
from identity_svc.linked_accounts.schemas import (
    LinkedAccountSchema,
    ListOfForm,
    RemoveForm,
    RequestLinkForm,
    to_public,
)
from identity_svc.linked_accounts.use_cases import LinkedAccounts
from identity_svc.openid_providers.models import (
    DeniedAtProvider,
    InvalidIdToken,
    ProviderUnavailable,
    RefusedByProvider,
    UnknownProvider,
    WrongIssuer,
)
from identity_svc.provider_log_ins.models import InvalidProviderLogIn
from identity_svc.provider_log_ins.schemas import ProviderAnswerForm, ProviderQuestionSchema
from identity_svc.sessions.models import NoSession
from shared.contracts.authentication import StepUpRequired
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

LINKED_ACCOUNTS = web.AppKey("linked_accounts", LinkedAccounts)

_NO_STORE = {"Cache-Control": "no-store"}


@operation(answer=LinkedAccountSchema(many=True), beyond_barong=True)
async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """One's accounts at other OpenID providers, the oldest first."""
    accounts = await request.app[LINKED_ACCOUNTS].list(request[PRINCIPAL].uid)
    return answer([to_public(each) for each in accounts])


@operation(
    status=201,
    answer=ProviderQuestionSchema,
    refuses=(
        NoSession,
        ProviderUnavailable,
        StepUpRequired,
        TooManyLinkedAccounts,
        UnknownProvider,
    ),
    beyond_barong=True,
)
async def request_link(request: web.Request, form: RequestLinkForm) -> web.Response:
    """Begin to link an account at another OpenID provider.

    `provider` is a name of `log_in_providers` of GET /identity/configs. Send the browser to `url`.
    It comes back to the provider's redirect URI, with a `state` that begins with `link.`. Asks
    for a recent verification.
    """
    caller = request[PRINCIPAL]
    linked = request.app[LINKED_ACCOUNTS]
    url = await linked.ask_to_add(caller.uid, caller.sid, form.provider or "")
    return answer({"url": url}, headers=_NO_STORE)


@operation(
    status=201,
    answer=LinkedAccountSchema,
    refuses=(
        DeniedAtProvider,
        InvalidIdToken,
        InvalidProviderLogIn,
        LinkedAccountTaken,
        NoSession,
        ProviderUnavailable,
        RefusedByProvider,
        TooManyLinkedAccounts,
        UnknownProvider,
        WrongIssuer,
    ),
    beyond_barong=True,
)
async def link(request: web.Request, form: ProviderAnswerForm) -> web.Response:
    """Link an account at another OpenID provider.

    `state`, `code`, `iss` and `error` are what the provider gave the browser, in the session that
    asked, and `provider` is the one whose redirect URI it came to.
    """
    caller = request[PRINCIPAL]
    linked = request.app[LINKED_ACCOUNTS]
    added = await linked.add(
        caller.uid, caller.sid, form.provider or "", form.answer, client_of(request)
    )
    return answer(to_public(added))


@operation(status=204, refuses=(LinkedAccountNotFound, StepUpRequired), beyond_barong=True)
async def remove(request: web.Request, form: RemoveForm) -> web.Response:
    """End the link to one of one's accounts at other providers.

    Asks for a recent verification.
    """
    caller = request[PRINCIPAL]
    await request.app[LINKED_ACCOUNTS].remove(
        caller.uid, caller.sid, form.account, client_of(request)
    )
    return nothing()


async def index_of(request: web.Request, form: ListOfForm) -> web.Response:
    """GET /users/{uid}/linked_accounts: all of them, as their user sees them."""
    accounts = await request.app[LINKED_ACCOUNTS].list(form.uid)
    return answer({"linked_accounts": [to_public(each) for each in accounts]})
