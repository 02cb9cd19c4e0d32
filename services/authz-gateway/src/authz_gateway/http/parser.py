"""Heads of requests and answers: one strict grammar each, and nothing is read that does not match.

It is stricter than RFC 9112: no folded lines, no bare CR or LF, no space before a colon, no control
characters, methods in capitals, targets in printable ASCII, one Host, one way to tell the length.
"""

import re
from dataclasses import dataclass
from typing import Any

from authz_gateway.http.headers import Headers

_FIELDS = rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+)\r\n"
# One empty line may stand before a request: RFC 9112, 2.2.
_REQUEST_LINE = re.compile(rb"(?:\r\n)?([A-Z-]{1,32}) ([\x21-\x7e]++) HTTP/1\.([01])\r\n")
_REQUEST_FIELDS = re.compile(_FIELDS)
_ANSWER = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*+))?\r\n" + _FIELDS
)
_END = b"\r\n\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*", re.ASCII)


class BrokenHead(Exception):
    """What came is no head, and no more bytes will make it one."""


class TooLongTarget(BrokenHead):
    """The target has more bytes than are read."""


class TooLargeHead(BrokenHead):
    """The head has more bytes, or more header lines, than are read."""


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How large a request's head may be."""

    target_bytes: int
    header_bytes: int
    header_lines: int


class RequestFields:
    """The header lines of a request, and what they say of the connection and the body.

    `length` is that of the body in bytes, None of a chunked one. `persistent`: the client takes
    another answer on this connection; by the minor version of HTTP.
    """

    __slots__ = ("headers", "length", "persistent", "raw")

    def __init__(self, raw: bytes, headers: Headers) -> None:
        self.raw = raw
        self.headers = headers
        chunked, length = _framing(headers)
        self.length = None if chunked else length or 0
        hosts = headers.getall("host", ())
        if len(hosts) > 1 or (hosts and not _HOST.fullmatch(hosts[0])):
            raise BrokenHead
        connection = headers.listed("connection")
        self.persistent: tuple[bool | None, bool | None] = (
            None if chunked else "keep-alive" in connection,
            "close" not in connection if hosts else None,
        )
        """None where such headers make no request of that version."""


class RequestHead:
    """The head of a request; `length` and `persistent` as in its `fields`.

    `size`: how many bytes the head takes. `derived` is as that of headers.
    """

    __slots__ = (
        *("derived", "fields", "headers", "length", "method", "minor", "persistent", "size"),
        "target",
    )

    def __init__(
        self, method: str, target: str, minor: int, fields: RequestFields, size: int
    ) -> None:
        persistent = fields.persistent[minor]
        if persistent is None:
            raise BrokenHead
        self.method = method
        self.target = target
        self.minor = minor
        self.fields = fields
        self.headers = fields.headers
        self.length = fields.length
        self.persistent = persistent
        self.size = size
        self.derived: dict[Any, Any] = {}


class AnswerHead:
    """The head of an answer.

    `length` is that of the body in bytes, None where none is given. `persistent`: the connection
    may be used again. `size` and `derived` are as those of requests.
    """

    __slots__ = (
        *("chunked", "derived", "headers", "length", "persistent", "reason", "size", "status"),
    )

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Headers,
        length: int | None,
        *,
        chunked: bool,
        persistent: bool,
        size: int,
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.length = length
        self.chunked = chunked
        self.persistent = persistent
        self.size = size
        self.derived: dict[Any, Any] = {}


def read_request(
    data: bytes, limits: HeadLimits, last: RequestFields | None = None
) -> RequestHead | None:
    """The head that `data` begins with, None while there is more to come; raises `BrokenHead`.

    `last` are the fields of the request before: as a rule, a client sends the same with each.
    """
    line = _REQUEST_LINE.match(data)
    if line is None:
        _require_hope(data, limits)
        return None
    method, target, minor = line.groups()
    begin = line.end()
    if last is not None and data.startswith(last.raw, begin):
        fields = last
    else:
        found = _REQUEST_FIELDS.match(data, begin)
        if found is None:
            _require_hope(data, limits)
            return None
        lines = _lines(found[1])
        if len(found[1]) > limits.header_bytes or len(lines) > limits.header_lines:
            raise TooLargeHead
        fields = RequestFields(found[0], Headers(lines))
    # After CONNECT, nothing that follows would be HTTP.
    if method == b"CONNECT":
        raise BrokenHead
    if len(target) > limits.target_bytes:
        raise TooLongTarget
    version = 1 if minor == b"1" else 0
    return RequestHead(method.decode(), target.decode(), version, fields, begin + len(fields.raw))


def read_answer(data: bytes, max_bytes: int) -> AnswerHead | None:
    """The head that `data` begins with, None while there is more to come; raises `BrokenHead`."""
    found = _ANSWER.match(data)
    if found is None:
        if _END in data or len(data) > max_bytes or _BARE_LINE_FEED.search(data):
            raise BrokenHead
        return None
    minor, status, reason, fields = found.groups()
    if found.end() > max_bytes:
        raise TooLargeHead
    headers = Headers(_lines(fields))
    chunked, length = _framing(headers)
    connection = headers.listed("connection")
    if minor == b"0":
        persistent = "keep-alive" in connection
        if chunked:
            raise BrokenHead
    else:
        persistent = "close" not in connection
    return AnswerHead(
        int(status),
        (reason or b"").decode("latin-1"),
        headers,
        length,
        chunked=chunked,
        persistent=persistent,
        size=found.end(),
    )


def _lines(fields: bytes) -> list[str]:
    return fields[:-2].decode("utf-8", "surrogateescape").split("\r\n") if fields else []


def _framing(headers: Headers) -> tuple[bool, int | None]:
    """Whether the body is chunked, and the length that is given; raises `BrokenHead` for both."""
    if "transfer-encoding" in headers.first:
        coding = headers.getall("transfer-encoding")
        if "content-length" in headers.first or len(coding) != 1 or coding[0].lower() != "chunked":
            raise BrokenHead
        return True, None
    if "content-length" in headers.first:
        lengths = headers.getall("content-length")
        if len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
            raise BrokenHead
        return False, int(lengths[0])
    return False, None


def _require_hope(data: bytes, limits: HeadLimits) -> None:
    """Raises `BrokenHead` unless `data` may be the beginning of a head."""
    if _END in data[2:] or _BARE_LINE_FEED.search(data):
        raise BrokenHead
    if b"\r\n" not in data[2:] and len(data) > limits.target_bytes + 64:
        raise TooLongTarget
    if len(data) > limits.target_bytes + limits.header_bytes:
        raise TooLargeHead
