"""Compressed bodies, unpacked as our own services unpack them."""

import zlib

_EITHER = 47  # a header of zlib or of gzip
_NO_HEADER = -15
_ZLIB = 8  # the low half of the first byte, RFC 1950


def unpacked(body: bytes, encoding: str, maximum: int) -> bytes:
    """What `gzip` or `deflate` made small; of what is longer, the first `maximum` bytes.

    All members one after the other, and deflate with or without a header of zlib. Raises
    `zlib.error`.
    """
    headless = encoding == "deflate" and body[:1] != b"" and body[0] & 0x0F != _ZLIB
    wbits = _NO_HEADER if headless else _EITHER
    plain = b""
    while body and len(plain) < maximum:
        member = zlib.decompressobj(wbits)
        plain += member.decompress(body, maximum - len(plain))
        body = member.unused_data
    return plain
