"""The canonical path of a request: one spelling, which is authorized and then sent unchanged."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from shared.errors import Malformed

MAX_PATH_LENGTH = 2048

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NEVER_ESCAPED = _UNRESERVED | frozenset(b"/\\\x7f") | frozenset(range(0x20))

# RFC 3986, 3.3, less `;`, which some servers cut off with what follows. Escapes of characters that
# need none (2.3), of separators and of control characters have a second reading, and so has an
# escaped escape.
_ESCAPES = "|".join(f"{byte:02X}" for byte in range(256) if byte not in _NEVER_ESCAPED)
_CHARACTER = rf"[A-Za-z0-9._~!$&'()*+,=:@-]|%(?!25[0-9A-Fa-f]{{2}})(?i:{_ESCAPES})"
_PATH = re.compile(rf"(?=/)(?:/(?!\.\.?(?:/|\Z))(?:{_CHARACTER})+)*/?")
_RAW_PATH = re.compile(rf"/(?:{_CHARACTER}|[;/]|%2[Ff])*")
_DOTS = frozenset({".", ".."})

_OWN = re.compile(r"(?:/api/v2(?:/barong)?)?/(identity|resource|admin)(/.*)?")


def canonical(path: str) -> str:
    """The canonical path; that of a canonical path is itself.

    Nothing is decoded. Raises `Malformed` where two servers could read the path differently.
    """
    if len(path) > MAX_PATH_LENGTH or not _PATH.fullmatch(path):
        raise Malformed
    if "%" in path:
        try:
            unquote(path, errors="strict")
        except UnicodeDecodeError:
            raise Malformed from None
    path = under_one_name(path)
    if len(path) > MAX_PATH_LENGTH:
        raise Malformed
    return path


def raw_reading(path: str) -> str:
    """The reading of a path that `canonical` refuses for `%2F`, `;` or an empty segment.

    Routes, permissions and the audit log use this reading: an escaped slash separates segments as
    a slash does, parameters (`;` and what follows in a segment) and empty segments do not count.
    Raises `Malformed` for all other ambiguous paths, dot segments of any spelling included.
    """
    if len(path) > MAX_PATH_LENGTH or not _RAW_PATH.fullmatch(path):
        raise Malformed
    names = _names(path)
    if not _DOTS.isdisjoint(names):
        raise Malformed
    return canonical("/" + "/".join(filter(None, names)))


def _names(path: str) -> list[str]:
    """The segments between slashes, escaped ones included, without parameters."""
    return [part.partition(";")[0] for part in re.split("/|%2[Ff]", path)]


def is_own(path: str) -> bool:
    """Whether it is a path of one of our own services, by any of its names."""
    return _OWN.fullmatch(path) is not None


def under_one_name(path: str) -> str:
    """Our own services' paths as `/api/v2/barong/…`, whichever of their names was used."""
    own = _OWN.fullmatch(path)
    if own is None:
        return path
    service, rest = own.groups("")
    return f"/api/v2/barong/{service}{rest.removesuffix('/')}"


def segments(path: str) -> list[str]:
    """The segments by which prefixes are compared.

    They are decoded, because upstreams decode them: `a%3Ab` is held against rules as `a:b`. Of
    rules, whose paths may have `%2F` and `;`, they are those of the `raw_reading`.
    """
    if "%2" in path or ";" in path:
        path = "/".join(_names(path))
    return [unquote(segment) for segment in path.split("/") if segment]


def folded(names: Iterable[str]) -> list[str]:
    """Segments as they are compared where an upstream ignores case."""
    return [name.casefold() for name in names]
