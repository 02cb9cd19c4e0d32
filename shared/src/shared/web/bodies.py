"""The body of a request: the one reader of forms, multipart and JSON.

Services read their parameters with it, and the gateway reads what it audits with it. What both see
of the same bytes is therefore the same.
"""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Any, Protocol, Self, TypeVar, cast
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.helpers import parse_mimetype
from aiohttp.http import HttpProcessingError
from aiohttp.multipart import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    parse_content_disposition,
)
from multidict import MultiMapping

from shared.errors import Malformed, TooLarge, UnsupportedContent, UnsupportedEncoding

T = TypeVar("T")

MULTIPART = "multipart/form-data"

MAX_PARAMETERS = 200
MAX_BODY_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024
_MAX_LINE_BYTES = 8190
"""The largest overhead of a multipart body: boundaries, headers of parts, the preamble."""
_MAX_LINES = 4096
_MAX_PART_HEADERS = 128

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_JSON_SUFFIX = "+json"  # RFC 6839, 3.1

_AS_THEY_ARE = frozenset({"7bit", "8bit", "binary"})
"""Transfer encodings of parts that change nothing (RFC 2045, 6.2)."""

_UNREADABLE = (web.RequestPayloadError, ConnectionError)
"""A body that is not framed as its headers say, or whose sender left before its end."""
_NO_MULTIPART = (
    *_UNREADABLE,
    *(HttpProcessingError, ValueError, LookupError, AssertionError, RuntimeError),
)
"""What aiohttp raises for a multipart body that it cannot read."""

# aiohttp warns of each odd header of a part, with the header. Python would print it, and keep every
# different text for good. The header is refused all the same.
warnings.filterwarnings("ignore", category=BadContentDispositionHeader)
warnings.filterwarnings("ignore", category=BadContentDispositionParam)


class FileReceiver(Protocol):
    """Takes the files of a multipart body as they arrive, instead of memory."""

    max_body_bytes: int
    """Largest body, files included."""

    async def receive(self, parameter: str, filename: str, content: AsyncIterator[bytes]) -> object:
        """The value of the file's parameter; the rest of `content` is skipped."""
        ...


async def read_body(
    headers: MultiMapping[str],
    content: StreamReader,
    limit: int,
    files: FileReceiver | None = None,
    *,
    any_json: bool = False,
) -> Any:
    """The parameters of a body of at most `limit` bytes: values by name, of JSON whatever it is.

    `headers` are those that arrive with the body. `any_json` takes every media type that ends in
    `+json`. A file without a receiver is a list of bytes, which no field takes for text.

    Raises `UnsupportedEncoding` before a byte is read, `UnsupportedContent`, `TooLarge` or
    `Malformed`. An empty body has no parameters, whatever its type.
    """
    require_identity(headers)
    kinds = headers.getall("Content-Type", [""])
    if len(kinds) > 1:
        raise Malformed  # two servers may read different ones
    kind = media_type(kinds[0])
    if kind == MULTIPART:
        return await _multipart(kinds[0], content, limit, files)
    plain = await _whole(content, limit)
    if not plain:
        return {}
    if kind == _FORM:
        return pairs(_text(plain))
    if kind == _JSON or (any_json and kind.endswith(_JSON_SUFFIX)):
        return _json(_text(plain))
    raise UnsupportedContent


def received(body: bytes) -> StreamReader:
    """A body that has arrived, as a stream; needs a running event loop."""
    return _Received(asyncio.get_running_loop(), body).stream


def require_identity(headers: MultiMapping[str]) -> None:
    """Raises `UnsupportedEncoding` for a body that is compressed or encoded in any other way."""
    for value in headers.getall("Content-Encoding", ()):
        if any(_word(coding) not in ("", "identity") for coding in value.split(",")):
            raise UnsupportedEncoding


def media_type(content_type: str) -> str:
    """The media type in lower case, without parameters."""
    return _word(content_type.partition(";")[0])


def _word(text: str) -> str:
    """A word of a header in lower case, without the white space of RFC 9110, 5.6.3, around it.

    Other letters than those of ASCII stay as they are: `str.lower` turns some of them into ASCII.
    """
    word = text.strip(" \t")
    return word.lower() if word.isascii() else word


def pairs(text: str) -> dict[str, Any]:
    """The parameters of a query or a form; raises `Malformed`."""
    try:
        read = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise Malformed from None
    return collected(read)


def collected(read: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """One value a name; `name[]` and `name[key]` make a list, which no field takes for text."""
    values: dict[str, Any] = {}
    for name, value in read:
        base = base_name(name)
        if base == name:
            values[name] = value
            continue
        values.setdefault(base, [])
        if isinstance(values[base], list):
            values[base].append(value)
    return values


def base_name(name: str) -> str:
    """The parameter that a name stands for: `upload` for `upload[]` and `upload[0]`."""
    return name.partition("[")[0] or name


async def _whole(content: StreamReader, limit: int) -> bytes:
    body = bytearray()
    try:
        while chunk := await content.readany():
            body += chunk
            if len(body) > limit:
                raise TooLarge
    except _UNREADABLE:
        raise Malformed from None
    return bytes(body)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed from None


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # RFC 8259, 6: NaN and Infinity are not numbers


async def _multipart(
    content_type: str, content: StreamReader, limit: int, files: FileReceiver | None
) -> dict[str, Any]:
    if content.at_eof():
        return {}
    if len(parse_mimetype(content_type).parameters.getall("boundary", ())) > 1:
        raise Malformed  # two servers may read different ones
    read: list[tuple[str, Any]] = []
    try:
        reader = MultipartReader(
            {"Content-Type": content_type},
            cast(StreamReader, _Metered(content, limit)),
            max_field_size=_MAX_LINE_BYTES,
            max_headers=_MAX_PART_HEADERS,
        )
    except _NO_MULTIPART:
        raise Malformed from None
    while (part := await _readable(reader.next())) is not None:
        if isinstance(part, MultipartReader) or not part.name or not _unambiguous(part):
            raise Malformed
        if len(read) == MAX_PARAMETERS:
            raise Malformed
        chunks = _Chunks(part)
        if files and part.filename is not None:
            read.append((part.name, await files.receive(part.name, part.filename, chunks)))
            async for _ in chunks:
                pass
            continue
        whole = b"".join([chunk async for chunk in chunks])
        read.append((part.name, [whole] if part.filename is not None else _text(whole)))
    return collected(read)


def _unambiguous(part: BodyPartReader) -> bool:
    """Whether all servers read the part alike: RFC 7578 has one plain name and no encoding."""
    encodings = part.headers.getall("Content-Transfer-Encoding", ())
    dispositions = part.headers.getall("Content-Disposition")
    _, said = parse_content_disposition(dispositions[0])
    return (
        len(dispositions) == 1
        and not any(key.startswith("name*") for key in said)
        and all(_word(encoding) in _AS_THEY_ARE for encoding in encodings)
        and "Content-Encoding" not in part.headers
    )


async def _readable(step: Awaitable[T]) -> T:
    try:
        return await step
    except _NO_MULTIPART:
        raise Malformed from None


class _Metered:
    """A stream that ends with `TooLarge` or `Malformed` if more arrives than is allowed.

    It has the methods that aiohttp's reader of multipart calls on a stream.
    """

    def __init__(self, content: StreamReader, limit: int) -> None:
        """`limit` in bytes."""
        self._content = content
        self._limit = limit
        self._lines = 0

    async def readline(self, *, max_line_length: int = _MAX_LINE_BYTES) -> bytes:
        self._lines += 1
        if self._lines > _MAX_LINES:  # each costs more than its bytes
            raise Malformed
        return self._within(await self._content.readline(max_line_length=max_line_length))

    async def read(self, size: int) -> bytes:
        return self._within(await self._content.read(size))

    def at_eof(self) -> bool:
        return self._content.at_eof()

    def unread_data(self, data: bytes) -> None:
        self._content.unread_data(data)

    def _within(self, data: bytes) -> bytes:
        if self._content.total_bytes > self._limit:
            raise TooLarge
        return data


class _Chunks:
    """The content of a part as it arrives; no generator, so that any reader may stop anywhere."""

    def __init__(self, part: BodyPartReader) -> None:
        self._part = part

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)  # others have their turn, however much has arrived
        chunk = await _readable(self._part.read_chunk(_CHUNK_BYTES))
        if not chunk:
            raise StopAsyncIteration
        return chunk


class _Received(BaseProtocol):
    """Feeds a body that was already received into a stream, in pieces, as it is read.

    The stream copies what it holds from time to time, and a body may have megabytes.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes) -> None:
        super().__init__(loop)
        self._body = body
        self._given = 0
        self.stream = StreamReader(self, _CHUNK_BYTES, loop=loop)
        self.resume_reading()

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self, resume_parser: bool = True) -> None:
        self._reading_paused = False
        while not self._reading_paused and not self.stream.is_eof():
            piece = self._body[self._given : self._given + _CHUNK_BYTES]
            self._given += len(piece)
            if piece:
                self.stream.feed_data(piece)
            else:
                self.stream.feed_eof()
