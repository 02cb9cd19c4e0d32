"""Signed assertions by which clients authenticate: `private_key_jwt` (RFC 7523, Core 9)."""

import copy
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from oauth_svc.protocol.client import Client
from oauth_svc.protocol.errors import InvalidClient

_ED25519, _OLD_NAME = "Ed25519", "EdDSA"
ALGORITHMS = ("RS256", "PS256", "ES256", _ED25519, _OLD_NAME)
"""Asymmetric ones only: neither `none` nor a public key taken for an HMAC secret.

`EdDSA` is what older clients call Ed25519 (RFC 9864, 3.1).
"""


def _registry() -> JWSRegistry:
    """Our algorithms. The library has EdDSA for Ed448, too, and warns of it at each use."""
    made = JWSRegistry(algorithms=ALGORITHMS)
    old = copy.copy(made.algorithms[_ED25519])
    old.name = _OLD_NAME
    made.algorithms = {**made.algorithms, _OLD_NAME: old}
    return made


_REGISTRY = _registry()

_LONGEST = timedelta(minutes=10)
_SKEW = timedelta(seconds=30)
MAX_JTI = 256


def key_id_of(assertion: str) -> str | None:
    """The `kid` in the assertion's header; nothing is verified. None if it cannot be read."""
    try:
        kid = json.loads(urlsafe_b64decode(assertion.partition(".")[0].encode())).get("kid")
    except (ValueError, AttributeError, RecursionError):
        return None
    return kid if isinstance(kid, str) else None


def verified_assertion(
    client: Client,
    jwks: Mapping[str, Any],
    assertion: str,
    audiences: Sequence[str],
    now: datetime,
) -> tuple[str, datetime]:
    """`jti` and end of an assertion that was signed with a key of the client's `jwks`.

    Raises `InvalidClient`.

    Its audience is the provider alone: one that is meant for others, too, may have been given to
    them.
    """
    try:
        keys = KeySet.import_key_set({"keys": list(jwks["keys"])})
        token = jwt.decode(assertion, keys, registry=_REGISTRY)
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
