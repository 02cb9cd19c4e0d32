"""Parameters of a request, from path, body and query, read into the operation's form."""

import json
import math
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from shared.declared import Faults, load
from shared.errors import Invalid, Malformed, Missing, TooLarge, UnsupportedContent
from shared.web.fields import Absence

T = TypeVar("T")

MAX_PARAMETERS = 200
MAX_BODY_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_JSON = "application/json"

_UNREADABLE = (web.RequestPayloadError, ConnectionError)
"""A body that is not encoded as its headers say, or whose sender left before its end."""
_NO_MULTIPART = (
    *_UNREADABLE,
    *(HttpProcessingError, ValueError, LookupError, AssertionError, RuntimeError),
)
"""What aiohttp raises for a multipart body that it cannot read."""


class FileReceiver(Protocol):
    """Who takes the files of a multipart body as they arrive, in place of this module's memory."""

    max_body_bytes: int
    """Largest body, files included."""

    async def receive(self, parameter: str, filename: str, content: AsyncIterator[bytes]) -> object:
        """What stands in the form for the file; what is left of `content` is skipped."""
        ...


async def read_form(
    request: web.Request,
    declaration: type[T],
    *,
    tells_missing: bool,
    files: FileReceiver | None = None,
) -> T:
    """The request's parameters as `declaration`.

    The path wins over the body, the body over the query. Raises `Malformed`, `UnsupportedContent`,
    `TooLarge`, `Missing` (only where the operation tells absence apart) or `Invalid`.
    """
    raw = {**_query(request), **await _body(request, files), **request.match_info}
    _refuse_unstorable(raw)
    try:
        return load(declaration, raw)
    except Faults as faults:
        codes = [code for codes in faults.by_key.values() for code in codes]
        if tells_missing and any(isinstance(code, Absence) for code in codes):
            raise Missing(codes) from None
        raise Invalid(codes) from None


def _query(request: web.Request) -> dict[str, Any]:
    return _pairs(request.rel_url.raw_query_string)


async def _body(request: web.Request, files: FileReceiver | None) -> Mapping[str, Any]:
    if not request.can_read_body:
        return {}
    if request.content_type == _MULTIPART:
        return await _multipart(request, files)
    try:
        content = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge from None
    except _UNREADABLE:
        raise Malformed from None
    if not content:
        return {}
    if request.content_type not in (_FORM, _JSON):
        raise UnsupportedContent
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed from None
    return _json(text) if request.content_type == _JSON else _pairs(text)


def _pairs(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise Malformed from None
    return collected(pairs)


def _json(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(body, dict):
        raise Malformed
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # RFC 8259, 6: NaN and Infinity are not numbers


async def _multipart(request: web.Request, files: FileReceiver | None) -> dict[str, Any]:
    pairs: list[tuple[str, Any]] = []
    budget = MAX_BODY_BYTES
    whole = _Allowance(files.max_body_bytes if files else math.inf)  # else `budget` is narrower
    whole.demand(request.content_length or 0)
    reader = await _readable(request.multipart())
    while (part := await _readable(reader.next())) is not None:
        if isinstance(part, MultipartReader) or not part.name:
            raise Malformed
        if len(pairs) == MAX_PARAMETERS:
            raise Malformed
        chunks = _Chunks(part, whole)
        if files and part.filename is not None:
            pairs.append((part.name, await files.receive(part.name, part.filename, chunks)))
            async for _ in chunks:
                pass
            continue
        content = await _together(chunks, budget)
        budget -= len(content)
        pairs.append((part.name, [content] if part.filename is not None else _text(content)))
    return collected(pairs)


async def _readable(step: Awaitable[T]) -> T:
    try:
        return await step
    except _NO_MULTIPART:
        raise Malformed from None


class _Allowance:
    """How many bytes may still come."""

    def __init__(self, left: float) -> None:
        self._left = left

    def demand(self, size: int) -> None:
        """Raises `TooLarge` where `size` bytes are too many."""
        if size > self._left:
            raise TooLarge

    def take(self, size: int) -> None:
        """Notes that they came; raises `TooLarge`."""
        self.demand(size)
        self._left -= size


class _Chunks:
    """The content of a part as it arrives; no generator, so that any reader may stop anywhere."""

    def __init__(self, part: BodyPartReader, allowance: _Allowance) -> None:
        self._part = part
        self._allowance = allowance

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await _readable(self._part.read_chunk(_CHUNK_BYTES))
        if not chunk:
            raise StopAsyncIteration
        self._allowance.take(len(chunk))
        return chunk


async def _together(chunks: AsyncIterator[bytes], budget: int) -> bytes:
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > budget:
            raise TooLarge
    return bytes(content)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed from None


def collected(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """One value a name; `name[]` and `name[key]` make a list, which no field takes for text."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        base, bracket, _ = name.partition("[")
        if bracket and base:
            values.setdefault(base, [])
            if isinstance(values[base], list):
                values[base].append(value)
        else:
            values[name] = value
    return values


def _refuse_unstorable(value: Any, depth: int = 0) -> None:
    """Raises `Malformed` for text that is no UTF-8 or has a NUL, anywhere in `value`."""
    if depth > 32:
        raise Malformed
    if isinstance(value, str):
        if "\x00" in value:
            raise Malformed
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Malformed from None
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_unstorable(key, depth + 1)
            _refuse_unstorable(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item, depth + 1)
