"""What the gateway shows of API and events: documents, schemas, pages and their assets."""

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Final

from authz_gateway.http.responses import Answer
from authz_gateway.routing.route_table import Access, Route, with_rate

DOCUMENT_PATH: Final = "/api/v2/barong/openapi.json"
PAGE_PATH: Final = "/api/v2/barong/docs"
EVENTS_DOCUMENT_PATH: Final = "/api/v2/barong/asyncapi.json"
EVENTS_PATH: Final = f"{PAGE_PATH}/events"
"""The page of events; below it are their JSON Schemas, by name and version."""
ROUTE: Final = with_rate(Route(prefix=PAGE_PATH, access=Access.PUBLIC, methods=frozenset({"GET"})))
"""The route by which calls for the documents are decided: only restrictions and its rate apply."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page loads and calls nothing but the gateway. Icons in its style sheet are `data:` URLs."""

_HERE: Final = files(__package__)
_ASSETS: Final = (
    ("swagger_ui/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger_ui/swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger_ui/favicon-32x32.png", "image/png"),
    ("page/page.js", "text/javascript; charset=utf-8"),
    ("page/events.css", "text/css; charset=utf-8"),
)
_FOREVER: Final = "Cache-Control: public, max-age=31536000, immutable"
_FOR_MINUTES: Final = "Cache-Control: public, max-age=300"
_CHECKED: Final = "Cache-Control: no-cache"
_COMPRESSED: Final = "Content-Encoding: gzip"
_VARIES: Final = "Vary: Accept-Encoding"
_NEVER: Final = re.compile(r"\s*q=0(\.0*)?\s*", re.IGNORECASE)


class Shown:
    """A file as clients get it.

    The compressed form is in memory: every browser takes it. The file itself is read when the
    first client asks for it, and then kept: clients that read slowly share it.
    """

    __slots__ = ("_compressed", "_content", "_lines")

    def __init__(
        self, lines: tuple[str, ...], content: bytes | Traversable, compressed: bytes | None = None
    ) -> None:
        self._lines = lines if compressed is None else (*lines, _VARIES)
        self._content = content
        self._compressed = compressed

    def answer(self, accept_encoding: Iterable[str]) -> Answer:
        """The answer to a request with these values of Accept-Encoding."""
        if self._compressed is not None and _takes_gzip(accept_encoding):
            return Answer(200, (*self._lines, _COMPRESSED), self._compressed)
        content = self._content
        if not isinstance(content, bytes):
            content = self._content = content.read_bytes()
        return Answer(200, self._lines, content)


def _takes_gzip(accept_encoding: Iterable[str]) -> bool:
    """RFC 9110, 12.5.3; without the header the file is sent as it is."""
    for coding in ",".join(accept_encoding).split(","):
        name, _, parameters = coding.partition(";")
        if name.strip().lower() == "gzip":
            return _NEVER.fullmatch(parameters) is None
    return False


def _document(name: str) -> Shown:
    file = _HERE / name
    lines = ("Content-Type: application/json", _FOR_MINUTES)
    return Shown(lines, file, gzip.compress(file.read_bytes(), 6))


def _assets() -> Iterator[tuple[str, str, Shown]]:
    """Name, path and answer of each; the path changes with the content, which caches may keep."""
    for place, content_type in _ASSETS:
        file = _HERE / place
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        compressed = _HERE / f"{place}.gz"
        yield (
            file.name,
            f"{PAGE_PATH}/{digest}/{file.name}",
            Shown(
                (f"Content-Type: {content_type}", _FOREVER),
                file,
                compressed.read_bytes() if compressed.is_file() else None,
            ),
        )


def _schemas() -> Iterator[tuple[str, Shown]]:
    """The JSON Schema of each version of each event."""
    lines = ("Content-Type: application/schema+json", _FOR_MINUTES)
    for file in (_HERE / "events").iterdir():
        yield f"{EVENTS_PATH}/{file.name}", Shown(lines, file)


def _page(name: str, paths: Mapping[str, str]) -> Shown:
    template = (_HERE / "page" / name).read_text()
    lines = (
        "Content-Type: text/html; charset=utf-8",
        _CHECKED,
        f"Content-Security-Policy: {CONTENT_SECURITY_POLICY}",
    )
    return Shown(lines, _Page(template).substitute(paths).encode())


class _Page(Template):
    """The page, in which `${name}` stands for the path of an asset."""

    braceidpattern = r"[a-z0-9.-]+"


def _shown() -> Iterator[tuple[str, Shown]]:
    assets = list(_assets())
    paths = {name: path for name, path, _ in assets}
    yield DOCUMENT_PATH, _document("openapi.json")
    yield PAGE_PATH, _page("index.html", paths)
    yield EVENTS_DOCUMENT_PATH, _document("asyncapi.json")
    yield EVENTS_PATH, _page("events.html", paths)
    yield from _schemas()
    for _, path, shown in assets:
        yield path, shown


SHOWN: Final[Mapping[str, Shown]] = dict(_shown())
"""By canonical path."""
