"""DPoP: proofs that a client has the key to which its token is bound (RFC 9449)."""

import base64
import hashlib
import hmac
import json
import re
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from shared.crypto.key_ring import KeyRing

ALGORITHMS = ("ES256", "Ed25519")
"""Keys of these are small and quick to verify with, whatever a client sends."""

PROOF_SECONDS = 60
"""How far `iat` may lie from now, in either direction."""

NONCE_SECONDS = 300
"""How long a nonce is accepted."""

MAX_PROOF = 4096
MAX_JTI = 256

_LATEST = 10**11
_TYPE = "dpop+jwt"
_KEYS = frozenset({("EC", "P-256"), ("OKP", "Ed25519")})
_SECRET_MEMBERS = frozenset({"d", "k"})
_HEADER = frozenset({"typ", "alg", "jwk", "kid"})
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BadProof(Exception):
    """The proof does not show what it has to; the text is ours, and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof whose signature was verified with the key in it.

    `thumbprint` is that of the key (`jkt`), `token_digest` is `ath`, None without one.
    """

    thumbprint: str
    jti: str
    method: str
    url: str
    issued_at: float
    nonce: str | None
    token_digest: str | None

    def require(self, method: str, url: str, now: float, token: str | None = None) -> None:
        """Raises `BadProof` unless it was made just now for this request, and this token (4.3).

        The nonce and the use of `jti` are left to the caller.
        """
        if self.method != method:
            raise BadProof("htm is another method.")
        if normalized(self.url) != normalized(url):
            raise BadProof("htu is another address.")
        if abs(now - self.issued_at) > PROOF_SECONDS:
            raise BadProof("iat is too far from now.")
        if token is not None and not hmac.compare_digest(
            (self.token_digest or "").encode(), digest_of_token(token).encode()
        ):
            raise BadProof("ath is not of this token.")

    @property
    def identity(self) -> bytes:
        """The same for two proofs of which only one may be used, 32 bytes."""
        text = f"{self.thumbprint}.{self.jti}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def read_proof(values: Sequence[str]) -> Proof:
    """The proof of a request that has these `DPoP` headers; raises `BadProof`."""
    if len(values) != 1:
        raise BadProof("There is not exactly one proof.")
    text = values[0]
    if len(text) > MAX_PROOF or not text.isascii():
        raise BadProof("The proof is too long, or not ASCII.")
    try:
        unverified = jws.extract_compact(text.encode()).headers()
        key = import_key(_public_key(unverified))
        found = jws.deserialize_compact(text, key, algorithms=list(ALGORITHMS))
        claims = json.loads(found.payload)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadProof("The proof cannot be read, or its signature is wrong.") from None
    if not isinstance(claims, dict):
        raise BadProof("The proof has no claims.")
    issued_at = claims.get("iat")
    # Not a number is in no range.
    if not isinstance(issued_at, int | float) or not 0 < issued_at < _LATEST:
        raise BadProof("iat is missing, or no time.")
    return Proof(
        thumbprint=key.thumbprint(),
        jti=_text(claims, "jti", MAX_JTI),
        method=_text(claims, "htm", 32),
        url=_text(claims, "htu", MAX_PROOF),
        issued_at=issued_at,
        nonce=_text(claims, "nonce", 256) if "nonce" in claims else None,
        token_digest=_text(claims, "ath", 64) if "ath" in claims else None,
    )


def _public_key(header: dict[str, Any]) -> dict[str, Any]:
    """The key that the header brings; raises `BadProof`."""
    key = header.get("jwk")
    if header.get("typ") != _TYPE or not header.keys() <= _HEADER:
        raise BadProof("The header of the proof is not that of a proof.")
    if not isinstance(key, dict) or (key.get("kty"), key.get("crv")) not in _KEYS:
        raise BadProof("jwk is no key of P-256 or Ed25519.")
    if not _SECRET_MEMBERS.isdisjoint(key):
        raise BadProof("jwk has a private key.")
    names = ("kty", "crv", "x", "y")
    return {name: key[name] for name in names if name in key}


def _text(claims: dict[str, Any], name: str, maximum: int) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= maximum:
        raise BadProof(f"{name} is missing or too long.")
    return value


def digest_of_token(token: str) -> str:
    """`ath` of proofs that come with the token (4.2)."""
    digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def normalized(url: str) -> str:
    """The URL in one spelling, without query and fragment (4.3; RFC 3986, 6.2.2 and 6.2.3).

    Blank for what is no address of a web server.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return ""
    place = f"[{host}]" if ":" in host else host
    if port not in (None, _DEFAULT_PORTS[scheme]):
        place += f":{port}"
    return f"{scheme}://{place}{_ESCAPED.sub(_unescaped, parts.path) or '/'}"


def _unescaped(found: re.Match[str]) -> str:
    escaped = found[0].upper()
    [byte] = unquote_to_bytes(escaped)
    return chr(byte) if byte in _UNRESERVED else escaped


class ProofNonces:
    """Nonces for proofs, by the time at which they were made: nothing is stored.

    Provider and gateway have the same address, so that clients take their nonces for those of one
    server. Both make and accept the same ones.
    """

    def __init__(self, ring: KeyRing, clock: Callable[[], float] = time.time) -> None:
        """`ring` has the keys of the services: the first signs, all verify."""
        self._keys = [hmac.digest(key, b"dpop nonces", "sha256") for key in ring.keys.values()]
        self._clock = clock

    def new(self) -> str:
        """A nonce that is accepted for `NONCE_SECONDS`."""
        return self._made(int(self._clock()), self._keys[0])

    def accept(self, nonce: str | None) -> bool:
        """Whether one of us made this nonce, not too long ago."""
        try:
            raw = base64.b64decode((nonce or "").encode("ascii"), altchars=b"-_", validate=True)
            (made_at,) = struct.unpack(">Q", raw[:8])
        except (ValueError, struct.error):
            return False
        if not -NONCE_SECONDS <= made_at - self._clock() <= PROOF_SECONDS:
            return False
        wanted = [self._made(made_at, key).encode() for key in self._keys]
        return any(hmac.compare_digest(each, (nonce or "").encode()) for each in wanted)

    def _made(self, at: int, key: bytes) -> str:
        moment = struct.pack(">Q", at)
        # 24 bytes are a whole number of Base64's groups, so that there is no padding.
        return base64.urlsafe_b64encode(moment + hmac.digest(key, moment, "sha256")[:16]).decode()
