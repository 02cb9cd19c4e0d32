"""ID tokens of other providers (OpenID Connect Core 1.0, 3.1.3.7)."""

import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from identity_svc.openid_providers.models import InvalidIdToken, Provider

ALGORITHMS: Mapping[str, str] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""The algorithms that count, and their type of key.

Asymmetric ones only: neither `none` nor a public key taken for an HMAC secret.
"""

MAX_TOKEN = 16_384
MAX_SUBJECT = 255
_MAX_KEYS = 100
_SKEW = 60
_LONGEST_AGE = 600
_NEVER = 1e11

Key = Mapping[str, Any]


def header_of(token: Any) -> tuple[str, str | None]:
    """`alg` and `kid` of a token; raises `InvalidIdToken` for an algorithm that does not count."""
    if not isinstance(token, str) or len(token) > MAX_TOKEN or not token.isascii():
        raise InvalidIdToken
    encoded = token.partition(".")[0]
    try:
        header = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        raise InvalidIdToken from None
    alg, kid = (header.get("alg"), header.get("kid")) if isinstance(header, dict) else (None, None)
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise InvalidIdToken
    if kid is not None and not isinstance(kid, str):
        raise InvalidIdToken
    return alg, kid


def key_for(keys: Sequence[Key], alg: str, kid: str | None) -> Key | None:
    """The one key that may have signed; None where none or several may (Core 1.0, 10.1)."""
    fitting = [
        key
        for key in keys
        if key.get("kty") == ALGORITHMS[alg]
        and key.get("use") in (None, "sig")
        and key.get("alg") in (None, alg)
        and (kid is None or key.get("kid") == kid)
    ]
    return fitting[0] if len(fitting) == 1 else None


def keys_of(document: Mapping[str, Any]) -> tuple[Key, ...] | None:
    """The keys of a JSON Web Key Set; None for what is none."""
    keys = document.get("keys")
    if not isinstance(keys, list) or len(keys) > _MAX_KEYS:
        return None
    return tuple(key for key in keys if isinstance(key, dict))


def verified_claims(
    provider: Provider, token: str, key: Key, alg: str, nonce: str, now: float
) -> Mapping[str, Any]:
    """The claims of a token that this key signed, for us, for this log-in, a short time ago.

    Raises `InvalidIdToken`.
    """
    try:
        parameters = {name: value for name, value in key.items() if name not in _NOT_NEEDED}
        imported = JWKRegistry.import_key(parameters)
        claims = jwt.decode(token, imported, algorithms=[alg]).claims
    except (JoseError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise InvalidIdToken from None
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    subject, azp, given_nonce = claims.get("sub"), claims.get("azp"), claims.get("nonce")
    if (
        claims.get("iss") != provider.issuer
        or not isinstance(audiences, list)
        or provider.client_id not in audiences
        or (azp is None and len(audiences) > 1)
        or azp not in (None, provider.client_id)
        or not now - _SKEW < _time(claims.get("exp")) < _NEVER
        or not now - _LONGEST_AGE <= _time(claims.get("iat")) <= now + _SKEW
        or not _time(claims.get("nbf", 0)) <= now + _SKEW
        or not isinstance(given_nonce, str)
        or not hmac.compare_digest(given_nonce.encode("utf-8", "replace"), nonce.encode())
        or not isinstance(subject, str)
        or not 0 < len(subject) <= MAX_SUBJECT
        or not (subject.isascii() and subject.isprintable())
    ):
        raise InvalidIdToken
    return claims


_NOT_NEEDED = frozenset({"use", "key_ops", "alg", "x5c", "x5u", "x5t", "x5t#S256", "d"})


def _time(value: Any) -> float:
    """Seconds since the epoch; far in the future for what is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _NEVER:
        return _NEVER
    return float(value)
