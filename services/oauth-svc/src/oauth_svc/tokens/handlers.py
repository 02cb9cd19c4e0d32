"""The token endpoint and its siblings: introspection, revocation, userinfo."""

from aiohttp import web

from oauth_svc.clients.handlers import authenticated
from oauth_svc.dpop.handlers import PROOFS, proven_key
from oauth_svc.protocol.errors import INVALID_REQUEST, InvalidClient, OAuthError
from oauth_svc.protocol_http import NO_STORE, parameters_of, protocol_endpoint
from oauth_svc.tokens.schemas import GrantForm, to_internal
from oauth_svc.tokens.use_cases import Tokens
from shared.errors import NotFound
from shared.web.answers import answer
from shared.web.operations import FormReader, NoParameters
from shared.web.principal import bearer_token, bound_token, presents_bearer, presents_bound

TOKENS = web.AppKey("tokens", Tokens)


@protocol_endpoint
async def token(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/token."""
    client, parameters = await authenticated(request)
    thumbprint = await proven_key(request)
    given = await request.app[TOKENS].issue(client, parameters, thumbprint)
    fresh_nonce = request.app[PROOFS].fresh_nonce(thumbprint)
    return answer(given, headers={**NO_STORE, **fresh_nonce})


@protocol_endpoint
async def introspect(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/introspect (RFC 7662), for clients that keep a secret."""
    client, parameters = await authenticated(request)
    if not client.confidential:
        raise InvalidClient("A public client may not introspect tokens.")
    shown = await request.app[TOKENS].introspect(client, parameters.require("token"))
    return answer(shown, headers=NO_STORE)


@protocol_endpoint
async def revoke(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/revoke (RFC 7009): everything that was given with the token ends."""
    client, parameters = await authenticated(request)
    await request.app[TOKENS].give_back(client, parameters.require("token"))
    return web.Response(headers=NO_STORE)


@protocol_endpoint
async def userinfo(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET and POST /oauth/userinfo (Core, 5.3), with a bearer token, or a bound one and a proof."""
    token, thumbprint = await _access_token(request), None
    if presents_bound(request.headers):
        thumbprint = await request.app[PROOFS].use(
            request.headers.getall("DPoP", ()), request.method, request.path, token
        )
    shown = await request.app[TOKENS].user_claims(token, thumbprint)
    return answer(shown, headers={**NO_STORE, **request.app[PROOFS].fresh_nonce(thumbprint)})


async def find_grant(request: web.Request, form: GrantForm) -> web.Response:
    """GET /grants/{id}: the living grant of an access token, for the gateway."""
    grant = await request.app[TOKENS].find_living_grant(form.id)
    if grant is None:
        raise NotFound(("oauth.grant.not_found",))
    return answer(to_internal(grant))


async def _access_token(request: web.Request) -> str:
    """By header, or in the form of a POST (RFC 6750, 2.2); never in the query."""
    bound = presents_bound(request.headers)
    in_header = bound or presents_bearer(request.headers)
    in_body = None
    if request.method == "POST" and request.can_read_body:
        in_body = (await parameters_of(request)).get("access_token")
    if in_header and in_body is not None:
        raise OAuthError(INVALID_REQUEST, "The access token is given twice.")
    if in_header:
        return bound_token(request.headers) if bound else bearer_token(request.headers)
    if in_body is None:
        raise OAuthError(
            "invalid_token",
            "No access token is given.",
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
    return in_body
