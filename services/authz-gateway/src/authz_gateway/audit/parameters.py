"""The parameters of a call, as far as the audit log may know them."""

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from authz_gateway.audit.unpacking import unpacked
from shared.web.bodies import MAX_BODY_BYTES, MAX_PARAMETERS, collected

TARGETS = ("uid", "user_uid")
"""The parameters that say whom a call concerns."""

_MAX_VALUE = 1024
_MAX_DEPTH = 8

_SECRET = re.compile(
    r"passw|secret|token|otp_?code|verification_?code|captcha|credential|signature|private_?key"
    r"|authorization|^pin$",
    re.IGNORECASE,
)
_STATUS = re.compile(r"[1-5][0-9]{2}")
_UNREADABLE_PART = ("body", "unreadable")
_UNREADABLE = dict([_UNREADABLE_PART])
_MORE = {"and": "more"}

_MAX_HEAD_BYTES = 8190  # of a part; our own services read no more either
_PART = re.compile(rb"[ \t]*\r?\n(.*?)\r?\n\r?\n(.*)", re.DOTALL)
_FOLD = re.compile(r"\r?\n[ \t]+")
_SAYING = r"""[ \t]*;[ \t]*([^\s;="]++)=("(?:[^"\\]|\\.)*+"|[^\s;"]++)"""
_SAID = re.compile(_SAYING)
_DISPOSITION = re.compile(
    rf"^content-disposition:[ \t]*[^\s;]++((?:{_SAYING})*+)[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_ESCAPED = re.compile(r"\\(.)")


def parameters(
    query: str, body: bytes | None, headers: Mapping[str, str], maximum: int = MAX_BODY_BYTES
) -> dict[str, Any]:
    """The parameters of query and body, without secrets, none longer than a kilobyte.

    They are read as our own services read them, so that the log tells what is done: the body wins
    over the query, the last value of a name over the others. Whom the call concerns comes first,
    where nothing cuts it off. `body` is None where it is too large; that, and that it cannot be
    read, is told as a parameter `body`. `maximum` is in bytes, of a body that is unpacked.
    """
    given = _pairs(query)
    given |= {"body": "too large"} if body is None else _of_body(body, headers, maximum)
    given = {name: given[name] for name in TARGETS if name in given} | given
    told = {
        key[:_MAX_VALUE]: _cut(_without_secrets(value))
        for key, value in list(given.items())[:MAX_PARAMETERS]
        if not _is_secret(key, value)
    }
    return told if len(given) <= MAX_PARAMETERS else told | _MORE


def data(given: Mapping[str, Any], path: str, maximum: int) -> str:
    """The parameters and the path as a JSON text of at most so many characters.

    A parameter that is called `path`, too, is told as `parameters.path`.
    """
    told = {("parameters.path" if key == "path" else key): value for key, value in given.items()}
    while len(text := _json({**told, "path": path})) > maximum:
        told = dict(list(told.items())[: len(told) // 2]) | _MORE if told else {}
        path = path if len(told) > 1 else path[: maximum // 8]
    return text


def _of_body(body: bytes, headers: Mapping[str, str], maximum: int) -> dict[str, Any]:
    content_type = headers.get("Content-Type", "")
    try:
        plain = _plain(body, headers.get("Content-Encoding", ""), maximum)
        match content_type.partition(";")[0].strip().lower():
            case _ if not plain:
                return {}
            case "application/json":
                read = json.loads(plain)
                return read if isinstance(read, dict) else {"body": read}
            case "multipart/form-data":
                return _multipart(plain, content_type)
            case "application/x-www-form-urlencoded":
                return _pairs(plain.decode("utf-8", "replace"))
    except (ValueError, LookupError, RecursionError, zlib.error):
        pass
    return dict(_UNREADABLE)


def _plain(body: bytes, encoding: str, maximum: int) -> bytes:
    """As our own services read it: what they do not know how to unpack, as it is."""
    match encoding.strip().lower():
        case "gzip" | "deflate" as known:
            return unpacked(body, known, maximum)
        case "br" | "zstd" as refused:
            raise LookupError(refused)
        case _:
            return body


def _multipart(body: bytes, content_type: str) -> dict[str, Any]:
    """The parts of a form; that one cannot be read is told besides.

    Read by hand: the standard library takes a minute for some headers of 64 KB.
    """
    said = [item.partition("=") for item in content_type.split(";")[1:]]
    marks = [value.strip(' "') for key, _, value in said if key.strip().lower() == "boundary"]
    parts = (b"\n" + body).split(b"\n--" + marks[0].encode("utf-8", "replace"))[1:] if marks else []
    pairs: list[tuple[str, str]] = []
    for part in parts[:MAX_PARAMETERS]:
        if part.startswith(b"--"):
            break
        pairs.append(_part(part))
    return collected(pairs) or dict(_UNREADABLE)


def _part(part: bytes) -> tuple[str, str]:
    match = _PART.fullmatch(part)
    if match is None or len(match[1]) > _MAX_HEAD_BYTES:
        return _UNREADABLE_PART
    head = _FOLD.sub(" ", match[1].decode("utf-8", "replace"))
    disposition = _DISPOSITION.search(head)
    said = dict(_SAID.findall(disposition[1])) if disposition else {}
    said = {key.lower(): _ESCAPED.sub(r"\1", value.strip('"')) for key, value in said.items()}
    name = said.get("name")
    if not name or any(key.startswith("name*") for key in said):
        return _UNREADABLE_PART
    file, content = said.get("filename"), match[2].removesuffix(b"\r")
    return name, f"file {file}" if file else content.decode("utf-8", "replace")


def _pairs(text: str) -> dict[str, Any]:
    return collected(parse_qsl(text, keep_blank_values=True, errors="replace"))


def _is_secret(key: str, value: Any) -> bool:
    """Codes of phones and authenticators are secret; those of restrictions are statuses."""
    if key.lower() == "code":
        return not _STATUS.fullmatch(str(value).strip())
    return bool(_SECRET.search(key))


def _without_secrets(value: Any, depth: int = 0) -> Any:
    """The value without what is secret anywhere in it, though it be JSON in a text."""
    if depth == _MAX_DEPTH:
        return "too deep"
    if isinstance(value, dict):
        return {
            key: _without_secrets(part, depth + 1)
            for key, part in value.items()
            if not _is_secret(key, part)
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
