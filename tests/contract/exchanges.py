"""Exchanges with real services as examples: what varies from run to run is replaced."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.support.client import Client

_MOST_LISTED = 2
"""So many elements of a list are shown."""

_BY_NAME: Mapping[str, Any] = {
    **dict.fromkeys(("code", "otp_code", "totp_code"), "123456"),
    "time": 1_769_851_800,
    "milliseconds": 12,
    "barcode": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(),
    "n": base64.urlsafe_b64encode(hashlib.sha512(b"n").digest() * 4).decode().rstrip("="),
    "build_date": "2026-01-31T09:30:00+00:00",
    "git_sha": "0a1b2c3d",
    "user_id": 1,
    "expires": "1769852400",
    "expires_at": "2026-01-31T10:00:00Z",
    "signature": "c2lnbmF0dXJl",
}
"""Values that stand in for those under these names, where those are of the same type."""

_DAY = "2026-01-31"
_PATTERNS: tuple[tuple[str, Callable[[int, str], str]], ...] = (
    (r"ID[0-9A-F]{10}\b", lambda number, _: f"IDA11CE{number:05}"),
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", lambda *_: "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"),
    (
        r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        lambda number, _: f"00000000-0000-4000-8000-{number:012}",
    ),
    (r"(?<=secret=)[A-Z2-7]+", lambda *_: "JBSWY3DPEHPK3PXP"),
    (
        r"\b[0-9a-f]{16,}\b",
        lambda number, found: (hashlib.sha512(b"%d" % number).hexdigest() * 4)[: len(found)],
    ),
    (r"(?<=expires=)\d+", lambda *_: "1769852400"),
    (r"(?<=signature=)[\w%-]+", lambda *_: "c2lnbmF0dXJl"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?", lambda *_: f"{_DAY}T09:30:00"),
    (r"whsec_[\w+/=]+", lambda *_: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
    (r"http://127\.0\.0\.1:\d+/hook", lambda *_: "https://crm.example.com/hook"),
    (r"http://127\.0\.0\.1:\d+(?=/authorize\?|$)", lambda *_: "https://id.example.com"),
    (r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b", lambda number, _: f"7WQK-2M4D-XR9T-{number:04}"),
    (r"\bSUQ[\w-]{13}\b", lambda *_: "SURBMTFDRTAwMDAx"),
    (
        r"(?<![\w-])[\w-]{43}(?![\w-])",
        lambda number, _: base64.urlsafe_b64encode(b"%032d" % number).decode().rstrip("="),
    ),
    (r"127\.0\.0\.1", lambda *_: "203.0.113.7"),
)
"""What is recognized by its form, and what stands in for the different values that are found."""


class Recorder:
    """Makes calls as several clients, and keeps the first success of each operation."""

    def __init__(self) -> None:
        self.exchanges: dict[str, dict[str, Any]] = {}

    async def call(
        self,
        client: Client,
        operation: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        shown: Mapping[str, Any] | None = None,
        **path: str,
    ) -> Any:
        """The answer's body; an `AssertionError` unless the call succeeds.

        `operation` as in the document: `GET /resource/labels/{key}`. `body` is sent as JSON, or as
        it is if it is no mapping; then `shown` is what the example has.
        """
        method, template = operation.split()
        sent = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in (query or {}).items()
        }
        options: dict[str, Any] = {"params": sent, "headers": headers or {}}
        if isinstance(body, Mapping):
            options["json"] = body
        else:
            options["form"] = body
        aim = template if template.startswith("/.") else template.removeprefix("/")
        answer = await client.call(method, aim.format(**path), **options)
        assert answer.status < 300, (operation, answer)
        exchange: dict[str, Any] = {}
        if parameters := {**path, **(query or {})}:
            exchange["parameters"] = parameters
        if body is not None:
            exchange["body"] = body if shown is None else shown
        if isinstance(answer.body, dict | list):
            exchange["answer"] = answer.body
        self.exchanges.setdefault(operation, exchange)
        return answer.body


def normal(exchanges: Mapping[str, Any]) -> dict[str, Any]:
    """The same exchanges with short lists, and without what varies from run to run."""
    made = _shortened(exchanges)
    for pattern, stand_in in (*_PATTERNS, (datetime.now(UTC).date().isoformat(), _this_day)):
        made = _rewritten(made, partial(re.sub, pattern, partial(_known, {}, stand_in)))
    replaced: dict[str, Any] = _replaced(made)
    return replaced


def _known(
    stand_ins: dict[str, str], stand_in: Callable[[int, str], str], match: re.Match[str]
) -> str:
    return stand_ins.setdefault(match[0], stand_in(len(stand_ins) + 1, match[0]))


def _this_day(_number: int, _found: str) -> str:
    return _DAY


def _rewritten(value: Any, rewrite: Callable[[str], str]) -> Any:
    """The same with other texts, and other names."""
    match value:
        case str():
            return rewrite(value)
        case dict():
            return {rewrite(key): _rewritten(each, rewrite) for key, each in value.items()}
        case list():
            return [_rewritten(each, rewrite) for each in value]
    return value


def _shortened(value: Any) -> Any:
    match value:
        case dict():
            return {key: _shortened(each) for key, each in value.items()}
        case list():
            return [_shortened(each) for each in value[:_MOST_LISTED]]
    return value


def _replaced(value: Any, name: str = "") -> Any:
    match value:
        case dict():
            return {key: _replaced(each, key) for key, each in value.items()}
        case list():
            return [_replaced(each, name) for each in value]
        case str() | int() if type(value) is type(_BY_NAME.get(name)):
            return _BY_NAME[name]
    return value


def agree(example: Any, real: Any) -> bool:
    """Whether both have the same names and types; null agrees with everything.

    Each element of an example's list agrees with some element of the real one.
    """
    match example, real:
        case (None, _) | (_, None):
            return True
        case dict(), dict():
            return example.keys() == real.keys() and all(
                agree(example[key], real[key]) for key in example
            )
        case list(), list():
            return bool(example) == bool(real) and all(
                any(agree(each, other) for other in real) for each in example
            )
    return type(example) is type(real)
