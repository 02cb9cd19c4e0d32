"""The authorization endpoint, and challenges for pages of log-in and consent."""

from aiohttp import web

from oauth_svc.authorizations.models import (
    ChallengeNotFound,
    LoginRequired,
    NothingToConsent,
    WrongCsrfToken,
)
from oauth_svc.authorizations.schemas import (
    AnswerChallengeForm,
    ChallengeForm,
    OAuthChallengeSchema,
    RedirectSchema,
    to_public,
)
from oauth_svc.authorizations.use_cases import Authorizations
from oauth_svc.clients.handlers import authenticated
from oauth_svc.dpop.handlers import PROOFS, proven_key
from oauth_svc.protocol.pushed_requests import PUSHED_SECONDS
from oauth_svc.protocol_http import NO_STORE, protocol_endpoint
from oauth_svc.single_sign_on.handlers import session_of
from shared.web.answers import answer
from shared.web.operations import FormReader, NoParameters, operation

AUTHORIZATIONS = web.AppKey("authorizations", Authorizations)


@protocol_endpoint
async def push(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/par (RFC 9126)."""
    client, parameters = await authenticated(request)
    thumbprint = await proven_key(request)
    uri = await request.app[AUTHORIZATIONS].push(client, parameters, thumbprint)
    shown = {"request_uri": uri, "expires_in": PUSHED_SECONDS}
    fresh_nonce = request.app[PROOFS].fresh_nonce(thumbprint)
    return answer(shown, status=201, headers={**NO_STORE, **fresh_nonce})


@operation(answer=OAuthChallengeSchema, refuses=(ChallengeNotFound,), beyond_barong=True)
async def show(request: web.Request, form: ChallengeForm) -> web.Response:
    """What an application asks of a user, for the page that asks them.

    The page got the id as `login_challenge` or `consent_challenge`.
    """
    shown = await request.app[AUTHORIZATIONS].get(form.id, await session_of(request))
    return answer(to_public(shown))


@operation(
    answer=RedirectSchema,
    refuses=(ChallengeNotFound, LoginRequired, NothingToConsent, WrongCsrfToken),
    beyond_barong=True,
)
async def respond(request: web.Request, form: AnswerChallengeForm) -> web.Response:
    """Accept or refuse what an application asks.

    `kind` is what was shown to the user: after a log-in it is `login`. To accept, send the session
    cookie, and its CSRF token in the header X-CSRF-Token. The browser then goes to `redirect_to`.
    """
    redirect_to = await request.app[AUTHORIZATIONS].answer(
        form.id,
        form.kind,
        form.action,
        await session_of(request),
        request.headers.get("X-CSRF-Token", ""),
    )
    return answer({"redirect_to": redirect_to}, headers={"Cache-Control": "no-store"})
