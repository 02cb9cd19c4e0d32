"""The parameters of a call, read as services read them, without secrets."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, Self

from multidict import MultiMapping

from shared.contracts.secrets import is_secret
from shared.web.bodies import MAX_PARAMETERS, pairs, read_body, received

TARGETS = ("uid", "user_uid")
"""The parameters with the uid of the user whom a call concerns."""

_MAX_VALUE = 1024
_MAX_DEPTH = 8
_MORE = {"and": "more"}


class CallParameters(NamedTuple):
    """The parameters of a call; `body_known`: they include those of the body."""

    values: Mapping[str, Any]
    body_known: bool = True

    def without_body(self, why: str) -> Self:
        """The same parameters, with the reason `why` in place of the unknown body."""
        return self._replace(values={**self.values, "body": why}, body_known=False)


async def parameters(
    query: str, body: bytes, headers: MultiMapping[str], limit: int
) -> CallParameters:
    """The parameters of query and body, without secrets, cut to 1,024 characters each.

    The services' own code reads query and body: the body overrides the query, and the last value of
    a name overrides earlier ones. Of a file only the name is included. `limit` of the body, bytes.
    Raises the errors of `read_body`, and `Malformed` for the query.
    """
    values = pairs(query)
    if body:
        read = await read_body(headers, received(body), limit, _FileNames(limit), any_json=True)
        values |= read if isinstance(read, dict) else {"body": read}
    return CallParameters(redacted(values))


def redacted(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without secrets. `TARGETS` come first, so that they are never cut off."""
    values = {name: values[name] for name in TARGETS if name in values} | dict(values)
    shown = {
        key[:_MAX_VALUE]: _cut(_without_secrets(value))
        for key, value in list(values.items())[:MAX_PARAMETERS]
        if not is_secret(key, value)
    }
    return shown if len(values) <= MAX_PARAMETERS else shown | _MORE


def data(values: Mapping[str, Any], path: str, maximum: int) -> str:
    """Parameters and path as JSON of at most `maximum` characters.

    A parameter named `path` becomes `parameters.path`.
    """
    shown = {("parameters.path" if key == "path" else key): value for key, value in values.items()}
    while len(text := _json({**shown, "path": path})) > maximum:
        shown = dict(list(shown.items())[: len(shown) // 2]) | _MORE if shown else {}
        path = path if len(shown) > 1 else path[: maximum // 8]
    return text


class _FileNames:
    """A `FileReceiver` that returns the names of files and skips their contents.

    It returns lists, because a service does not read a file as text either.
    """

    def __init__(self, limit: int) -> None:
        self.max_body_bytes = limit

    async def receive(
        self, parameter: str, filename: str, content: AsyncIterator[bytes]
    ) -> list[str]:
        """See `FileReceiver`."""
        return [f"file {filename}"]


def _without_secrets(value: Any, depth: int = 0) -> Any:
    """The value without secrets at any depth, also in JSON inside a text."""
    if depth == _MAX_DEPTH:
        return "too deep"
    if isinstance(value, dict):
        return {
            key: _without_secrets(part, depth + 1)
            for key, part in value.items()
            if not is_secret(key, part)
        }
    if isinstance(value, list):
        return [_without_secrets(part, depth + 1) for part in value]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return _json(_without_secrets(json.loads(value), depth + 1))
        except (ValueError, RecursionError):
            return value
    return value


def _cut(value: Any) -> Any:
    text = value if isinstance(value, str) else _json(value)
    return value if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
