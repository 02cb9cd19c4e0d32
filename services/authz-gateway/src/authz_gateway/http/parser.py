"""Parser of request and response heads. A head that breaks the strict grammar is rejected.

The grammar is stricter than RFC 9112: no folded lines, no bare CR or LF, no space before a colon,
no control characters, methods in capitals, targets in printable ASCII, one Host, and either
Content-Length or Transfer-Encoding.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from authz_gateway.http.headers import (
    CONNECTION,
    DEFAULTED,
    FRAMING,
    READ,
    TO_CLIENT,
    TO_UPSTREAM,
    TRACE,
    UNIQUE,
    Headers,
    ascii_lower,
    field_of,
    members,
    one_of,
)

_METHOD: Final = re.compile(rb"[A-Z-]{1,32}")
_KNOWN_METHODS: Final = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
_TARGET: Final = one_of(range(0x21, 0x7F))
_VERSIONS: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*+))?")
_END: Final = b"\r\n\r\n"
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
_MAX_DIGITS: Final = 15
_MAX_CACHED_HEADS: Final = 1024
_MAX_CACHED_HEAD_BYTES: Final = 2048
_PERSISTENCE_OPTIONS: Final = frozenset({"close", "keep-alive"})
"""Connection options that are not names of fields."""


class BrokenHead(Exception):
    """The input is not a head, and more bytes cannot make it one."""


class TooLongTarget(BrokenHead):
    """The target is longer than the limit."""


class TooLargeHead(BrokenHead):
    """The head has more bytes or more header lines than the limit."""


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """Limits of a request head."""

    target_bytes: int
    header_bytes: int
    header_lines: int


class RequestHead:
    """The head of a request.

    `length`: bytes of the body, None for a chunked one. `persistent`: the client keeps the
    connection open for another request. `size`: bytes of the head. `flags`: those of all fields
    together. `read`: the first value of each field that the gateway itself reads; `repeated`: names
    of those that occur more than once. `to_upstream`: the lines that are forwarded unchanged;
    `trace`: those that are forwarded besides for a trusted proxy.
    """

    __slots__ = (
        *("_headers", "_lines", "flags", "length", "method", "minor", "persistent", "read"),
        *("repeated", "size", "target", "to_upstream", "trace"),
    )

    def __init__(self, method: str, target: str, minor: int, lines: list[bytes], size: int) -> None:
        """`lines` are the lines after the request line. Raises `BrokenHead`."""
        self.method = method
        self.target = target
        self.minor = minor
        self.size = size
        self._lines = lines
        self._headers: Headers | None = None
        read: dict[str, str] = {}
        repeated: list[str] = []
        to_upstream: list[bytes] = []
        trace: list[bytes] = []
        all_flags = 0
        for line in lines:
            field = field_of(line)
            if field is None:
                raise BrokenHead
            flags = field.flags
            all_flags |= flags
            if flags & TO_UPSTREAM:
                to_upstream.append(line)
            elif flags & TRACE:
                trace.append(line)
            if flags & READ:
                if field.name in read:
                    repeated.append(field.name)
                else:
                    read[field.name] = field.value
        self.flags = all_flags
        self.read = read
        self.repeated = repeated
        self.length: int | None = 0
        if all_flags & FRAMING:
            chunked, length = _framing(read, repeated, minor)
            self.length = None if chunked else length
        self.persistent = minor == 1
        if all_flags & CONNECTION:
            options = _connection_options(read, repeated, lines)
            self.persistent = _persistent(options, minor)
            if not options <= _PERSISTENCE_OPTIONS:
                to_upstream = [line for line in to_upstream if _name_of(line) not in options]
                trace = [line for line in trace if _name_of(line) not in options]
        self.to_upstream = to_upstream
        self.trace = trace
        _require_host(read, repeated, minor)

    @property
    def headers(self) -> Headers:
        """All fields, as a mapping."""
        if self._headers is None:
            self._headers = headers_of(self._lines)
        return self._headers

    def without(self, names: Collection[str]) -> list[bytes]:
        """The lines that are forwarded unchanged, except those of these fields."""
        return [line for line in self.to_upstream if _name_of(line) not in names]

    def lines_of(self, names: Collection[str]) -> list[bytes]:
        """The lines of these fields, as received."""
        return [line for line in self._lines if _name_of(line) in names]


class StatusLine:
    """The status line of a response; `line` is what the client gets, with its line break."""

    __slots__ = ("line", "minor", "status")

    def __init__(self, status: int, reason: bytes, minor: int) -> None:
        self.status = status
        self.minor = minor
        self.line = b"HTTP/1.1 %d %b\r\n" % (status, reason)


_MAX_CACHED_STATUSES: Final = 256
_MAX_CACHED_STATUS_BYTES: Final = 128
_status_cache: Final[dict[bytes, StatusLine]] = {}


class ResponseHead:
    """The head of a response.

    `line`: the status line that the client gets, with its line break. `length`: Content-Length,
    None without one. `persistent`: the upstream keeps the connection open. `size`: bytes of the
    head. `to_client`: the lines that are forwarded unchanged. `defaults`: names among these that
    the gateway adds to responses that lack them.
    """

    __slots__ = (
        *("_headers", "_lines", "chunked", "defaults", "length", "line", "persistent", "size"),
        *("status", "to_client"),
    )

    def __init__(self, status_line: StatusLine, lines: list[bytes], size: int) -> None:
        """`lines` are the lines after the status line. Raises `BrokenHead`."""
        self.status = status_line.status
        self.line = status_line.line
        self.size = size
        self._lines = lines
        self._headers: Headers | None = None
        minor = status_line.minor
        read: dict[str, str] = {}
        repeated: list[str] = []
        to_client: list[bytes] = []
        defaults: list[str] = []
        all_flags = 0
        for line in lines:
            field = field_of(line)
            if field is None:
                raise BrokenHead
            flags = field.flags
            all_flags |= flags
            if flags & TO_CLIENT:
                to_client.append(line)
                if flags & DEFAULTED:
                    defaults.append(field.name)
            elif flags & READ:
                if field.name in read:
                    repeated.append(field.name)
                else:
                    read[field.name] = field.value
        self.defaults = defaults
        self.chunked = False
        self.length: int | None = None
        if all_flags & FRAMING:
            self.chunked, self.length = _framing(read, repeated, minor)
        self.persistent = minor == 1
        if all_flags & CONNECTION:
            options = _connection_options(read, repeated, lines)
            self.persistent = _persistent(options, minor)
            if not options <= _PERSISTENCE_OPTIONS:
                to_client = [line for line in to_client if _name_of(line) not in options]
        self.to_client = to_client

    @property
    def headers(self) -> Headers:
        """All fields, as a mapping."""
        if self._headers is None:
            self._headers = headers_of(self._lines)
        return self._headers


def read_request(data: bytes, limits: HeadLimits) -> RequestHead | None:
    """The head at the beginning of `data`, None while it is incomplete; raises `BrokenHead`."""
    begin = 2 if data.startswith(b"\r\n") else 0  # one empty line may come first: RFC 9112, 2.2
    end = data.find(_END, begin)
    if end < 0:
        _require_plausible(data, limits)
        return None
    lines = data[begin:end].split(b"\r\n")
    first = lines.pop(0)
    parts = first.split(b" ")
    if len(parts) != 3:
        raise BrokenHead
    raw_method, raw_target, version = parts
    method = _KNOWN_METHODS.get(raw_method) or _method(raw_method)
    minor = _VERSIONS.get(version, -1)
    if minor < 0 or not raw_target.translate(_TARGET).isdigit():
        raise BrokenHead
    target = raw_target.decode()
    header_bytes = end - begin - len(first)  # with one line break for each line
    if header_bytes > limits.header_bytes or len(lines) > limits.header_lines:
        if any(field_of(line) is None for line in lines):
            raise BrokenHead
        raise TooLargeHead
    if len(target) > limits.target_bytes:
        raise TooLongTarget
    return RequestHead(method, target, minor, lines, end + 4)


class RequestReader:
    """Reads request heads, and caches those that may come again unchanged.

    A client that polls sends the same bytes each time, unless it or a proxy adds an id to each
    request. The cache has a maximum size. docs/contributors/calls.md says what it saves and costs.
    """

    __slots__ = ("_cache", "limits")

    def __init__(self, limits: HeadLimits) -> None:
        self.limits = limits
        self._cache: dict[bytes, RequestHead] = {}

    def read(self, data: bytes) -> RequestHead | None:
        """See `read_request`."""
        if len(data) > _MAX_CACHED_HEAD_BYTES:
            return read_request(data, self.limits)
        head = self._cache.get(data)
        if head is not None:
            return head
        head = read_request(data, self.limits)
        if head is not None and head.size == len(data) and not head.flags & UNIQUE:
            if len(self._cache) >= _MAX_CACHED_HEADS:
                self._cache.clear()
            self._cache[data] = head
        return head


def _method(raw: bytes) -> str:
    # What follows CONNECT would not be HTTP.
    if raw == b"CONNECT" or not _METHOD.fullmatch(raw):
        raise BrokenHead
    return raw.decode()


def read_response(data: bytes, max_bytes: int) -> ResponseHead | None:
    """The head at the beginning of `data`, None while it is incomplete; raises `BrokenHead`."""
    end = data.find(_END)
    if end < 0:
        if len(data) > max_bytes or _BARE_LINE_FEED.search(data):
            raise BrokenHead
        return None
    if end + 4 > max_bytes:
        raise TooLargeHead
    lines = data[:end].split(b"\r\n")
    first = lines.pop(0)
    status = _status_cache.get(first)
    if status is None:
        status = _status(first)
        if len(_status_cache) < _MAX_CACHED_STATUSES and len(first) <= _MAX_CACHED_STATUS_BYTES:
            _status_cache[first] = status
    return ResponseHead(status, lines, end + 4)


def _status(line: bytes) -> StatusLine:
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise BrokenHead
    minor, status, reason = match.groups()
    return StatusLine(int(status), reason or b"", 1 if minor == b"1" else 0)


def headers_of(lines: Iterable[bytes]) -> Headers:
    """The fields of header lines that were checked before."""
    return Headers([field for line in lines if (field := field_of(line)) is not None])


_options_cache: Final[dict[str, frozenset[str]]] = {}
_MAX_CACHED_OPTIONS: Final = 256


def _connection_options(
    read: dict[str, str], repeated: Sequence[str], lines: Iterable[bytes]
) -> frozenset[str]:
    """The options of Connection, in lower case."""
    if "connection" in repeated:
        return headers_of(lines).listed("connection")
    value = read["connection"]
    options = _options_cache.get(value)
    if options is None:
        options = members(value)
        if len(_options_cache) < _MAX_CACHED_OPTIONS and len(value) <= _MAX_CACHED_STATUS_BYTES:
            _options_cache[value] = options
    return options


def _persistent(options: Collection[str], minor: int) -> bool:
    """Whether the connection persists after the response: RFC 9112, 9.3."""
    return "close" not in options and (minor == 1 or "keep-alive" in options)


def _require_host(read: dict[str, str], repeated: Sequence[str], minor: int) -> None:
    """RFC 9112, 3.2: exactly one Host; HTTP/1.0 may have none. Raises `BrokenHead`."""
    if (minor and "host" not in read) or (repeated and "host" in repeated):
        raise BrokenHead


def _name_of(line: bytes) -> str:
    return line.partition(b":")[0].decode().lower()


def _framing(read: dict[str, str], repeated: Sequence[str], minor: int) -> tuple[bool, int | None]:
    """Whether the body is chunked, and its Content-Length.

    Raises `BrokenHead` when both are given, one is given twice, or one is malformed.
    """
    coding = read.get("transfer-encoding")
    length = read.get("content-length")
    if coding is None and length is None:
        return False, None
    if repeated and ("transfer-encoding" in repeated or "content-length" in repeated):
        raise BrokenHead
    if coding is not None:
        if length is not None or not minor or ascii_lower(coding) != "chunked":
            raise BrokenHead
        return True, None
    # `isdigit` alone accepts the digits of every script, and so does `int`.
    if length is None or not (length.isascii() and length.isdigit()) or len(length) > _MAX_DIGITS:
        raise BrokenHead
    return False, int(length)


def _require_plausible(data: bytes, limits: HeadLimits) -> None:
    """Raises `BrokenHead` unless `data` can be the beginning of a head."""
    if _END in data[2:] or _BARE_LINE_FEED.search(data):
        raise BrokenHead
    if b"\r\n" not in data[2:] and len(data) > limits.target_bytes + 64:
        raise TooLongTarget
    if len(data) > limits.target_bytes + limits.header_bytes:
        raise TooLargeHead
