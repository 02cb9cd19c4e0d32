"""The published keys, and signatures for the events of other services."""

from aiohttp import web

from identity_svc.signing_keys.key_chain import KeyChain
from identity_svc.signing_keys.models import ForeignEvent, require_foreign
from identity_svc.signing_keys.schemas import KeySetSchema, SignEventsForm, SignTokenForm
from identity_svc.users.handlers import USERS
from shared.contracts.catalogue import owned_by
from shared.contracts.events import Event
from shared.contracts.services import ADMIN, OAUTH, RESOURCE, WEBHOOKS
from shared.contracts.users import MAY_ACT
from shared.errors import UserNotActive
from shared.web.answers import answer
from shared.web.operations import NoParameters, operation
from shared.web.routes import CALLER

KEY_CHAIN = web.AppKey("key_chain", KeyChain)

OWN_EVENTS = {service: owned_by(service) for service in (RESOURCE, ADMIN, WEBHOOKS, OAUTH)}
"""The events that each service owns: only these are signed for it."""


@operation(answer=KeySetSchema, beyond_barong=True)
async def jwks(request: web.Request, _form: NoParameters) -> web.Response:
    """The public keys under which tokens and events verify."""
    return answer(
        await request.app[KEY_CHAIN].jwks(), headers={"Cache-Control": "public, max-age=60"}
    )


async def sign_events(request: web.Request, form: SignEventsForm) -> web.Response:
    """POST /events/sign: a message for each event, in order."""
    own = OWN_EVENTS[request[CALLER]]
    events = [Event(**event) for event in form.events]
    if not all(event.name in own for event in events):
        raise ForeignEvent
    messages = await request.app[KEY_CHAIN].sign(events)
    return answer({"messages": [message.decode() for message in messages]})


async def sign_token(request: web.Request, form: SignTokenForm) -> web.Response:
    """POST /tokens/sign: tokens of the OAuth provider, which are none of ours, in order.

    With `uid`, they are for a user, who has to exist and may act.
    """
    for token in form.tokens:
        require_foreign(token["type"], token["claims"])
    if form.uid is not None and (await request.app[USERS].get(form.uid)).state not in MAY_ACT:
        raise UserNotActive
    keys = request.app[KEY_CHAIN]
    return answer(
        {"tokens": [keys.sign_claims(token["claims"], token["type"]) for token in form.tokens]}
    )
