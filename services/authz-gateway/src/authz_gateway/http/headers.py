"""Header fields. A line that many messages have is parsed once, and its field is cached."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar, overload

from multidict import MultiMapping

from shared.contracts.changes import CHANGED_HEADER

D = TypeVar("D")

_MISSING: Any = object()
_EMPTY: Final[frozenset[str]] = frozenset()

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++")
_HOST: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*", re.ASCII)


def one_of(allowed: Iterable[int]) -> bytes:
    """A table for `bytes.translate`: allowed bytes become digits, all others do not.

    `text.translate(table).isdigit()` is the cheapest way to check each byte of a text.
    """
    digits = frozenset(allowed)
    return bytes(ord("0") if byte in digits else 0 for byte in range(256))


_VALUE: Final = one_of((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))

_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, 7.6.1, and fields that older software sends."""

_SET_BY_GATEWAY: Final = frozenset({"content-length", "x-request-id", CHANGED_HEADER.lower()})
"""Never forwarded, in either direction: the gateway sets these itself, or they are meant for it."""

_REPLACED_IN_REQUESTS: Final = frozenset(
    {
        *("authorization", "cookie", "expect", "host"),
        # Set by a proxy in front of the gateway, for the gateway only.
        *("forwarded", "x-real-ip"),
        # Forwarded only for a trusted proxy: see `HttpServer`.
        *("traceparent", "tracestate"),
        # Some frameworks take these for the path or method instead of the authorized one.
        *("x-http-method", "x-http-method-override", "x-method-override"),
        *("x-original-url", "x-rewrite-url"),
        "proxy",  # CGI programs read this as HTTP_PROXY: CVE-2016-5385
    }
)
_FORGEABLE_PREFIXES: Final = ("x-auth-", "x-forwarded-")

_REPLACED_IN_RESPONSES: Final = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
        "access-control-expose-headers",
        "access-control-max-age",
        "server",
    }
)
"""CORS is decided by the gateway alone, and the software of upstreams is not disclosed."""

_DEFAULTED: Final = frozenset(
    {
        "cache-control",
        "referrer-policy",
        "strict-transport-security",
        "x-content-type-options",
        "x-frame-options",
    }
)
_READ_BY_GATEWAY: Final = frozenset(
    {
        *("authorization", "connection", "content-length", "cookie", "expect", "host", "origin"),
        *("transfer-encoding", "upgrade", "user-agent", "x-csrf-token", "x-forwarded-for"),
        *("x-forwarded-host", "x-forwarded-proto", "x-request-id"),
        *("x-auth-apikey", "x-auth-nonce", "x-auth-signature"),
    }
)

SIGNATURES: Final = frozenset({"signature", "signature-input"})
"""HTTP Message Signatures (RFC 9421): credentials on routes that require authentication."""

WITHHELD: Final = SIGNATURES | {"dpop"}
"""What callers sent to the gateway as credentials, and upstreams need not see."""

TRACE_CONTEXT: Final = frozenset({"traceparent", "tracestate"})
"""W3C Trace Context. Only trusted proxies may say to which trace a call belongs."""

_SIGNATURES_OF_KEYS: Final = SIGNATURES | {"x-auth-apikey", "x-auth-nonce", "x-auth-signature"}
_CREDENTIALS: Final = _SIGNATURES_OF_KEYS | {"authorization"}

_UNIQUE_NAMES: Final = frozenset(
    {
        *("content-digest", "etag", "if-none-match", "set-cookie", "traceparent"),
        *("tracestate", "x-auth-nonce", "x-auth-signature", "x-b3-spanid", "x-b3-traceid"),
        *("dpop", "signature", "signature-input", "x-request-id"),
    }
)
_MAX_CACHED_LINE_BYTES: Final = 1024
_MAX_CACHED_FIELDS: Final = 8192
_MAX_CACHED_NAMES: Final = 1024


TO_UPSTREAM: Final = 1
"""The line is forwarded unchanged in requests."""
TO_CLIENT: Final = 2
"""The line is forwarded unchanged in responses."""
READ: Final = 4
"""The gateway reads the value."""
DEFAULTED: Final = 8
"""The gateway adds this field to responses that lack it."""
FRAMING: Final = 16
"""It tells where the body ends: Content-Length, Transfer-Encoding."""
CONNECTION: Final = 32
"""It is the field Connection."""
CREDENTIAL: Final = 64
"""It authenticates the caller; cookies do not have this flag."""
UNIQUE: Final = 128
"""Its value differs in every message, so the line is not cached."""
TRACE: Final = 256
"""It names the trace of the message."""
SIGNATURE: Final = 512
"""It signs the call with an API key, which wins over all other credentials."""


_FLAGS: Final = {
    UNIQUE: _UNIQUE_NAMES,
    READ: _READ_BY_GATEWAY,
    DEFAULTED: _DEFAULTED,
    CREDENTIAL: _CREDENTIALS,
    SIGNATURE: _SIGNATURES_OF_KEYS,
    FRAMING: frozenset({"content-length", "transfer-encoding"}),
    CONNECTION: frozenset({"connection"}),
    TRACE: TRACE_CONTEXT,
}


class FieldName:
    """A field name in lower case, and the flags of all fields with this name."""

    __slots__ = ("flags", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.flags = 0
        for flag, names in _FLAGS.items():
            if text in names:
                self.flags |= flag
        if text in _HOP_BY_HOP or text in _SET_BY_GATEWAY:
            return
        if text not in _REPLACED_IN_RESPONSES:
            self.flags |= TO_CLIENT
        # Many servers read an underscore as a hyphen: `Content_Length` could be a second length.
        replaced = text in _REPLACED_IN_REQUESTS or text.startswith(_FORGEABLE_PREFIXES)
        if not replaced and "_" not in text:
            self.flags |= TO_UPSTREAM


class Field:
    """One header field: its line without the line break, its name, its value and its flags.

    Bytes of the value that are not UTF-8 become surrogate escapes.
    """

    __slots__ = ("flags", "line", "name", "value")

    def __init__(self, line: bytes, name: FieldName, value: str) -> None:
        self.line = line
        self.name = name.text
        self.value = value
        self.flags = name.flags


_name_cache: Final[dict[bytes, FieldName]] = {}
_field_cache: Final[dict[bytes, Field]] = {}


def field_of(line: bytes) -> Field | None:
    """The field of a header line (RFC 9112, 5); None for a malformed line or a malformed Host.

    A client sends most of its lines with every request, so fields are cached. The cache has a
    maximum size.
    """
    field = _field_cache.get(line)
    return field if field is not None else _parse(line)


def _parse(line: bytes) -> Field | None:
    spelling, colon, raw = line.partition(b":")
    if not colon:
        return None
    name = _name_cache.get(spelling)
    if name is None:
        if not _NAME.fullmatch(spelling):
            return None
        name = FieldName(spelling.decode().lower())
        if len(_name_cache) < _MAX_CACHED_NAMES:
            _name_cache[spelling] = name
    if raw and not raw.translate(_VALUE).isdigit():
        return None
    field = Field(line, name, raw.strip(b" \t").decode("utf-8", "surrogateescape"))
    if field.name == "host" and not _HOST.fullmatch(field.value):
        return None
    if not name.flags & UNIQUE and len(line) <= _MAX_CACHED_LINE_BYTES:
        if len(_field_cache) >= _MAX_CACHED_FIELDS:
            _field_cache.clear()
        _field_cache[line] = field
    return field


def ascii_lower(text: str) -> str:
    """Lower case of ASCII letters only.

    `str.lower` would turn other letters into ASCII, such as the Kelvin sign, U+212A, into `k`.
    """
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogateescape").lower().decode("utf-8", "surrogateescape")


def members(value: str) -> frozenset[str]:
    """The members of a comma-separated list, in lower case."""
    parts = (ascii_lower(part.strip(" \t")) for part in value.split(","))
    return frozenset(part for part in parts if part)


def members_of(values: Iterable[str]) -> frozenset[str]:
    """The members of several such lists together."""
    found = _EMPTY
    for value in values:
        found |= members(value)
    return found


class Headers(MultiMapping[str]):
    """The fields of a message as a mapping. Names are case-insensitive."""

    __slots__ = ("_fields", "_values")

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        self._values: dict[str, list[str]] = {}
        for field in fields:
            name = field.name
            if name in self._values:
                self._values[name].append(field.value)
            else:
                self._values[name] = [field.value]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()][0]

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str | D) -> str | D: ...
    def get(self, key: str, /, default: Any = None) -> Any:
        """The first value."""
        values = self._values.get(key.lower())
        return default if values is None else values[0]

    @overload
    def getone(self, key: str) -> str: ...
    @overload
    def getone(self, key: str, default: D) -> str | D: ...
    def getone(self, key: str, default: Any = _MISSING) -> Any:
        """The first value; raises `KeyError` without a value and a default."""
        return self[key] if default is _MISSING or key in self else default

    @overload
    def getall(self, key: str) -> list[str]: ...
    @overload
    def getall(self, key: str, default: D) -> list[str] | D: ...
    def getall(self, key: str, default: Any = _MISSING) -> Any:
        """All values in order; raises `KeyError` without a value and a default."""
        values = self._values.get(key.lower())
        if values is not None:
            return list(values)
        if default is _MISSING:
            raise KeyError(key)
        return default

    def listed(self, name: str) -> frozenset[str]:
        """The members of all comma-separated lists in fields of this name, in lower case."""
        return members_of(self._values.get(name, ()))
