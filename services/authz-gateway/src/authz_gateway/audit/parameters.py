"""The parameters of a call, as services read them and as far as the audit log may know them."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, Self

from multidict import MultiMapping

from shared.contracts.secrets import is_secret
from shared.web.bodies import MAX_PARAMETERS, held, pairs, read_body

TARGETS = ("uid", "user_uid")
"""The parameters that say whom a call concerns."""

_MAX_VALUE = 1024
_MAX_DEPTH = 8
_MORE = {"and": "more"}


class Shown(NamedTuple):
    """The parameters of a call; `body_known`: those of its body are among them."""

    given: Mapping[str, Any]
    body_known: bool = True

    def without_body(self, why: str) -> Self:
        """The same of a call whose body is not known; `why` is told in its place."""
        return self._replace(given={**self.given, "body": why}, body_known=False)


async def parameters(query: str, body: bytes, headers: MultiMapping[str], limit: int) -> Shown:
    """The parameters of query and body, without secrets, none longer than a kilobyte.

    Query and body are read by the code that our services read them with: the body wins over the
    query, the last value of a name over the others. Of a file, the name is told. `limit` is that of
    the body, in bytes. Raises what `read_body` raises for a body, and `Malformed` for a query, that
    cannot be read.
    """
    given = pairs(query)
    if body:
        read = await read_body(headers, held(body), limit, _FileNames(limit), any_json=True)
        given |= read if isinstance(read, dict) else {"body": read}
    return Shown(told(given))


def told(given: Mapping[str, Any]) -> dict[str, Any]:
    """What may be told of parameters; whom the call concerns comes first, where nothing is cut."""
    given = {name: given[name] for name in TARGETS if name in given} | dict(given)
    shown = {
        key[:_MAX_VALUE]: _cut(_without_secrets(value))
        for key, value in list(given.items())[:MAX_PARAMETERS]
        if not is_secret(key, value)
    }
    return shown if len(given) <= MAX_PARAMETERS else shown | _MORE


def data(given: Mapping[str, Any], path: str, maximum: int) -> str:
    """The parameters and the path as a JSON text of at most so many characters.

    A parameter that is called `path`, too, is told as `parameters.path`.
    """
    told = {("parameters.path" if key == "path" else key): value for key, value in given.items()}
    while len(text := _json({**told, "path": path})) > maximum:
        told = dict(list(told.items())[: len(told) // 2]) | _MORE if told else {}
        path = path if len(told) > 1 else path[: maximum // 8]
    return text


class _FileNames:
    """A `FileReceiver` that keeps the names of files and skips what is in them.

    In a list: no service takes a file for a text either.
    """

    def __init__(self, limit: int) -> None:
        self.max_body_bytes = limit

    async def receive(
        self, parameter: str, filename: str, content: AsyncIterator[bytes]
    ) -> list[str]:
        """See `FileReceiver`."""
        return [f"file {filename}"]


def _without_secrets(value: Any, depth: int = 0) -> Any:
    """The value without what is secret anywhere in it, even if it is JSON in a text."""
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
