"""Content-Digest (RFC 9530): the digests of a request's body."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import http_sf
from multidict import MultiMapping

from authz_gateway.authn.errors import ContentDigestMismatch, InvalidContentDigest

NAME = "content-digest"
_MAX_CHARACTERS = 1024
_SIZES = {"sha-256": 32, "sha-512": 64}


def read_digests(headers: MultiMapping[str]) -> Mapping[str, bytes]:
    """The digests of supported algorithms, sha-256 and sha-512; at least one.

    Others, such as those that RFC 9530 deprecates, are ignored. Raises `InvalidContentDigest`.
    """
    value = ", ".join(headers.getall(NAME, []))
    if not value.isascii() or len(value) > _MAX_CHARACTERS:
        raise InvalidContentDigest
    try:
        parsed: Any = http_sf.parse(
            value.encode(), tltype="dictionary", on_duplicate_key=_refuse_duplicate
        )
    except (ValueError, OverflowError):
        raise InvalidContentDigest from None
    digests = {name: parsed[name][0] for name in _SIZES if name in parsed}
    if not digests:
        raise InvalidContentDigest
    for name, digest in digests.items():
        if not isinstance(digest, bytes) or len(digest) != _SIZES[name]:
            raise InvalidContentDigest
    return digests


def _refuse_duplicate(_key: str, _context: str) -> None:
    raise InvalidContentDigest


def require_digests(digests: Mapping[str, bytes], body: bytes) -> None:
    """Raises `ContentDigestMismatch` unless all digests match the body."""
    for name, digest in digests.items():
        if not hmac.compare_digest(hashlib.new(name.replace("-", ""), body).digest(), digest):
            raise ContentDigestMismatch
