"""Signed assertions by which clients authenticate: `private_key_jwt` (RFC 7523, Core 9)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from oauth_svc.protocol.client import Client
from oauth_svc.protocol.errors import InvalidClient

ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")
"""Asymmetric ones only: neither `none` nor a public key taken for an HMAC secret."""

_LONGEST = timedelta(minutes=10)
_SKEW = timedelta(seconds=30)
MAX_JTI = 256


def verified_assertion(
    client: Client, assertion: str, audiences: Sequence[str], now: datetime
) -> tuple[str, datetime]:
    """`jti` and end of an assertion that the client signed; raises `InvalidClient`.

    Its audience is the provider alone: one that is meant for others, too, may have been given to
    them.
    """
    try:
        keys = KeySet.import_key_set({"keys": list((client.jwks or {"keys": []})["keys"])})
        token = jwt.decode(assertion, keys, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, KeyError, TypeError):
        raise InvalidClient from None
    claims = token.claims
    audience = claims.get("aud")
    given = [audience] if isinstance(audience, str) else audience
    jti, expires_at = claims.get("jti"), _moment(claims.get("exp"))
    if (
        claims.get("iss") != client.client_id
        or claims.get("sub") != client.client_id
        or not isinstance(given, list)
        or len(given) != 1
        or given[0] not in audiences
        or not isinstance(jti, str)
        or not 0 < len(jti) <= MAX_JTI
        or expires_at is None
        or not now - _SKEW < expires_at <= now + _LONGEST
        or (_moment(claims.get("nbf", 0)) or now) > now + _SKEW
    ):
        raise InvalidClient
    return jti, expires_at


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**11:
        return None
    return datetime.fromtimestamp(value, UTC)
