"""Signatures over the whole call: version 2, beside Barong's, which covers nonce and key alone.

docs/signing.md tells the same to those who sign.
"""

import base64
import hashlib
import hmac
import re

from authz_gateway.authn.errors import InvalidApiKeyHeaders, InvalidSignature
from authz_gateway.authz.call import Call
from shared.errors import TooLarge

VERSION = "2"
_SHA_256 = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:")


def message(call: Call, nonce: str, kid: str) -> str:
    """What is signed, nonce and kid as they were sent; raises `InvalidApiKeyHeaders`.

    None of the lines can contain a line break.
    """
    digest = content_digest(call)
    return "\n".join((VERSION, call.method, call.path, call.query, digest, nonce, kid))


def content_digest(call: Call) -> str:
    """The SHA-256 that the client gives for its body, empty where it gives none.

    RFC 9530, 2: one value in the form of RFC 8941. Raises `InvalidApiKeyHeaders` for another.
    """
    values = call.headers.getall("Content-Digest", [])
    if not values:
        return ""
    if len(values) != 1 or not _SHA_256.fullmatch(values[0]):
        raise InvalidApiKeyHeaders
    return values[0]


async def require_body(call: Call, limit: int) -> None:
    """Reads the body, which is to be the one that was signed; without a digest there is none.

    Raises `TooLarge` for more than `limit` bytes, `InvalidSignature` for another body.
    """
    digest = content_digest(call)
    if not digest:
        if await call.body(0) != b"":
            raise InvalidSignature
        return
    body = await call.body(limit)
    if body is None:
        raise TooLarge
    if not hmac.compare_digest(digest, f"sha-256=:{_base64_of_sha_256(body)}:"):
        raise InvalidSignature


def _base64_of_sha_256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()
