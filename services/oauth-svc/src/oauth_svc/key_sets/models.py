"""Sets of public keys (RFC 7517): which are sound, and what is used of a set that was fetched."""

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

MAX_KEYS = 10
MAX_FETCHED_KEYS = 30
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of private and symmetric keys (RFC 7518, 6): nobody may send us one."""

_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use")
_MAX_MEMBER = 2048


class UnsoundKeySet(Exception):
    """The set cannot be used; the text is ours, and says why."""


def sound_jwks(jwks: Mapping[str, Any]) -> bool:
    """Whether this is a set of public keys that can be read (RFC 7517)."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
        return False
    if not all(isinstance(key, dict) and _PRIVATE.isdisjoint(key) for key in keys):
        return False
    try:
        KeySet.import_key_set({"keys": keys})
    except (JoseError, ValueError, KeyError, TypeError):
        return False
    return True


def keys_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The keys for signatures in a set that was fetched; raises `UnsoundKeySet`.

    Keys of other kinds are left out (RFC 7517, 5). A set that shows a private key is not used:
    anybody could sign with it.
    """
    keys = document.get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise UnsoundKeySet("is no key set")
    if len(keys) > MAX_FETCHED_KEYS:
        raise UnsoundKeySet(f"has more than {MAX_FETCHED_KEYS} keys")
    if not all(_PRIVATE.isdisjoint(key) for key in keys):
        raise UnsoundKeySet("has a private key")
    signing = [
        {name: key[name] for name in _MEMBERS if name in key}
        for key in keys
        if key.get("use", "sig") == "sig"
    ]
    usable = [key for key in signing if _is_short(key) and sound_jwks({"keys": [key]})]
    if not usable:
        raise UnsoundKeySet("has no key for signatures")
    return {"keys": usable}


def _is_short(key: Mapping[str, Any]) -> bool:
    return all(isinstance(each, str) and len(each) <= _MAX_MEMBER for each in key.values())
