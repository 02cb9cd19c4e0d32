"""Parameters of a request, from path, body and query, read into the operation's form."""

from collections.abc import Mapping
from typing import Any, TypeVar

from aiohttp import web

from shared.declared import Faults, load
from shared.errors import Invalid, Malformed, Missing, TooLarge
from shared.web.bodies import FileReceiver, pairs, read_body
from shared.web.fields import Absence

T = TypeVar("T")


async def read_form(
    request: web.Request,
    declaration: type[T],
    *,
    missing_is_400: bool,
    files: FileReceiver | None = None,
) -> T:
    """The request's parameters as `declaration`.

    The path wins over the body, the body over the query. Raises what `read_body` does, `Missing`
    (only with `missing_is_400`) or `Invalid`.
    """
    raw = {**_query(request), **await _body(request, files), **request.match_info}
    _refuse_unstorable(raw)
    try:
        return load(declaration, raw)
    except Faults as faults:
        codes = [code for codes in faults.by_key.values() for code in codes]
        if missing_is_400 and any(isinstance(code, Absence) for code in codes):
            raise Missing(codes) from None
        raise Invalid(codes) from None


def _query(request: web.Request) -> dict[str, Any]:
    return pairs(request.rel_url.raw_query_string)


async def _body(request: web.Request, files: FileReceiver | None) -> Mapping[str, Any]:
    if not request.can_read_body:
        return {}
    limit = files.max_body_bytes if files else request.client_max_size
    if (request.content_length or 0) > limit:
        raise TooLarge
    body = await read_body(request.headers, request.content, limit, files)
    if not isinstance(body, dict):
        raise Malformed
    return body


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
