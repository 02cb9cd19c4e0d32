"""The public keys of Barong, by their ids."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt

from barong_events.errors import KeysUnavailableError, UntrustedEventError

_REFRESH_SECONDS = 300.0
_UNKNOWN_KEY_SECONDS = 2.0
_FETCH_SECONDS = 5.0
_MAX_BYTES = 1_000_000


class Keys(Protocol):
    """Where a verifier gets keys."""

    async def key(self, kid: str) -> jwt.PyJWK:
        """The key with this id; raises `UntrustedEventError` or `KeysUnavailableError`."""
        ...


class FixedKeys:
    """Keys that are configured, as subscribers of the direct exchanges have them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """`document` is a JSON Web Key Set (RFC 7517, 5)."""
        self._keys = parsed(document)

    async def key(self, kid: str) -> jwt.PyJWK:
        """See `Keys`."""
        return _found(self._keys, kid)


class KeySet:
    """The keys that a gateway publishes.

    They are fetched again every five minutes, and when an unknown id appears, but at most every
    two seconds. While the gateway is away, the keys that were fetched before stay in use.
    """

    def __init__(self, url: str) -> None:
        """`url` is that of the key set: `<gateway>/.well-known/jwks.json`."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"not an http or https URL: {url}")
        self._url = url
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._tried = float("-inf")
        self._failed = False
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK:
        """See `Keys`."""
        async with self._lock:
            age = time.monotonic() - self._tried
            if age > (_REFRESH_SECONDS if kid in self._keys else _UNKNOWN_KEY_SECONDS):
                await self._fetch()
        if kid not in self._keys and self._failed:
            raise KeysUnavailableError(self._url)
        return _found(self._keys, kid)

    async def _fetch(self) -> None:
        try:
            self._keys = parsed(json.loads(await asyncio.to_thread(_body, self._url)))
            self._failed = False
        except (OSError, ValueError, LookupError, TypeError, jwt.PyJWTError):
            self._failed = True
        finally:
            self._tried = time.monotonic()


def parsed(document: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    """The keys of a key set that may sign events, by their ids.

    Raises what a malformed one makes.
    """
    return {
        key["kid"]: jwt.PyJWK(key, algorithm)
        for key in document["keys"]
        if (algorithm := _algorithm(key)) == key.get("alg", algorithm)
        and algorithm
        and "kid" in key
    }


def _algorithm(key: Mapping[str, Any]) -> str | None:
    """What the key verifies: RS256, or ES256 (RFC 7518, 3.3 and 3.4)."""
    if key["kty"] == "RSA":
        return "RS256"
    return "ES256" if (key["kty"], key.get("crv")) == ("EC", "P-256") else None


def _found(keys: Mapping[str, jwt.PyJWK], kid: str) -> jwt.PyJWK:
    try:
        return keys[kid]
    except KeyError:
        raise UntrustedEventError("unknown key") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Keys come from the configured place only."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _body(url: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(url, timeout=_FETCH_SECONDS) as answer:
        body: bytes = answer.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise ValueError("the key set is too large")
    return body
