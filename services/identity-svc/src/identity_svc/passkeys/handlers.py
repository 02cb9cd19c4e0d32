"""The operations on one's own passkeys."""

from aiohttp import web

from identity_svc.passkeys.models import (
    InvalidChallenge,
    InvalidCredential,
    InvalidOrigin,
    PasskeyNotFound,
    PasskeyTaken,
    TooManyPasskeys,
    UserNotVerified,
)
from identity_svc.passkeys.schemas import (
    AddForm,
    DeleteForm,
    ListOfForm,
    OptionsSchema,
    PasskeySchema,
    RenameForm,
    to_public,
)
from identity_svc.passkeys.use_cases import Passkeys
from identity_svc.sessions.models import NoSession
from shared.contracts.authentication import StepUpRequired
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

PASSKEYS = web.AppKey("passkeys", Passkeys)

_NO_STORE = {"Cache-Control": "no-store"}


@operation(answer=PasskeySchema(many=True), beyond_barong=True)
async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """One's passkeys, the oldest first."""
    passkeys = await request.app[PASSKEYS].list(request[PRINCIPAL].uid)
    return answer([to_public(each) for each in passkeys])


@operation(
    status=201,
    answer=OptionsSchema,
    refuses=(StepUpRequired, TooManyPasskeys),
    beyond_barong=True,
)
async def options(request: web.Request, _form: NoParameters) -> web.Response:
    """Begin to add a passkey.

    The answer is for `navigator.credentials.create()`. Asks for a recent verification.
    """
    caller = request[PRINCIPAL]
    asked = await request.app[PASSKEYS].ask_to_add(caller.uid, caller.sid)
    return answer({"publicKey": asked}, headers=_NO_STORE)


@operation(
    status=201,
    answer=PasskeySchema,
    refuses=(
        InvalidChallenge,
        InvalidCredential,
        InvalidOrigin,
        NoSession,
        PasskeyTaken,
        TooManyPasskeys,
        UserNotVerified,
    ),
    beyond_barong=True,
)
async def add(request: web.Request, form: AddForm) -> web.Response:
    """Add a passkey.

    `credential` is what `navigator.credentials.create()` gave, as `toJSON()` writes it.
    """
    caller = request[PRINCIPAL]
    passkey = await request.app[PASSKEYS].add(
        caller.uid, caller.sid, form.credential, form.name, client_of(request)
    )
    return answer(to_public(passkey))


@operation(answer=PasskeySchema, refuses=(PasskeyNotFound,), beyond_barong=True)
async def rename(request: web.Request, form: RenameForm) -> web.Response:
    """Rename one of one's passkeys."""
    caller = request[PRINCIPAL]
    return answer(to_public(await request.app[PASSKEYS].rename(caller.uid, form.id, form.name)))


@operation(status=204, refuses=(PasskeyNotFound, StepUpRequired), beyond_barong=True)
async def delete(request: web.Request, form: DeleteForm) -> web.Response:
    """Delete one of one's passkeys.

    Asks for a recent verification.
    """
    caller = request[PRINCIPAL]
    await request.app[PASSKEYS].delete(caller.uid, caller.sid, form.id, client_of(request))
    return nothing()


async def index_of(request: web.Request, form: ListOfForm) -> web.Response:
    """GET /users/{uid}/passkeys: all of them, as their user sees them."""
    passkeys = await request.app[PASSKEYS].list(form.uid)
    return answer({"passkeys": [to_public(each) for each in passkeys]})
