"""Answers that the gateway itself gives."""

import json
import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from shared.errors import Refusal
from shared.web.errors import status_of

_JSON = "Content-Type: application/json; charset=utf-8"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Answer(NamedTuple):
    """A status, header lines and a body."""

    status: int
    lines: tuple[str, ...] = ()
    body: bytes = b""


NO_ROUTE = Answer(404, (_JSON,), b'{"error": "Route is not found"}')


def error_answer(status: int, codes: Iterable[str], *lines: str) -> Answer:
    """The answer with these error codes."""
    return Answer(status, (_JSON, *lines), json.dumps({"errors": list(codes)}).encode())


def refusal_answer(refusal: Refusal) -> Answer:
    """The answer for a refusal, with its status, codes and headers."""
    lines = [f"{name}: {value}" for name, value in refusal.headers.items()]
    if refusal.retry_after is not None:
        lines.append(f"Retry-After: {refusal.retry_after}")
    return error_answer(status_of(refusal), refusal.codes, *lines)


def render(answer: Answer, last: bytes, *, with_body: bool) -> bytes:
    """The bytes of an answer; `last` are its last header lines and the end of the head."""
    status, own, body = answer
    fixed = "\r\n".join((*own, ""))
    length = "" if status == HTTPStatus.NO_CONTENT else f"Content-Length: {len(body)}\r\n"
    date = _date(int(time.time()))
    head = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\nDate: {date}\r\n{length}{fixed}"
    return head.encode() + last + (body if with_body else b"")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
