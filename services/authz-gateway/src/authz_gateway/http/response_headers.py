"""Header lines that the gateway adds to every answer: CORS, caching and browser security."""

from collections.abc import Collection
from typing import Final

from authz_gateway.http.cors import Cors

_SECURITY: Final = (
    ("x-content-type-options", "X-Content-Type-Options: nosniff"),
    ("x-frame-options", "X-Frame-Options: DENY"),
    ("referrer-policy", "Referrer-Policy: no-referrer"),
)
_NO_STORE: Final = ("cache-control", "Cache-Control: no-store")
_MAX_CACHED: Final = 256


class ResponseHeaders:
    """Makes the lines that are added to an answer. Headers of an upstream are kept."""

    def __init__(self, cors: Cors, *, security: bool, hsts_seconds: int) -> None:
        """`security`: adds the browser security headers; `hsts_seconds`: 0 for no HSTS."""
        self.cors = cors
        hsts = f"Strict-Transport-Security: max-age={hsts_seconds}"
        shown = (*_SECURITY, *([("strict-transport-security", hsts)] if hsts_seconds else []))
        public = shown if security else ()
        self._lines = {False: dict(public), True: dict((*public, _NO_STORE))}
        self._cache: dict[tuple[str | None, bool], bytes] = {}

    def lines_for(self, origin: str | None, private: bool, present: Collection[str]) -> bytes:
        """The lines for a page of `origin`, None for other clients; each ends with CRLF.

        `private`: no cache may store the answer. `present`: lower-case names of headers that the
        answer already has.
        """
        if origin is not None:
            origin = self.cors.effective_origin(origin)
        if present:
            return self._render(origin, private, present)
        lines = self._cache.get((origin, private))
        if lines is None:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            lines = self._cache[origin, private] = self._render(origin, private, ())
        return lines

    def _render(self, origin: str | None, private: bool, present: Collection[str]) -> bytes:
        ours = (line for name, line in self._lines[private].items() if name not in present)
        return "".join(f"{line}\r\n" for line in (*self.cors.lines(origin), *ours)).encode()
