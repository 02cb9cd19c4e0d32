"""The proof of a request."""

from aiohttp import web

from oauth_svc.dpop.use_cases import Proofs

PROOFS = web.AppKey("proofs", Proofs)


async def proven_key(request: web.Request, token: str | None = None) -> str | None:
    """The thumbprint of the key that the request's proof shows; None without a proof.

    With `token`, the proof is for that token, too. Raises `OAuthError` for a proof that is not
    good, or was used before.
    """
    headers = request.headers.getall("DPoP", ())
    if not headers:
        return None
    return await request.app[PROOFS].use(headers, request.method, request.path, token)
