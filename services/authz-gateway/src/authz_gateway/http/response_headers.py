"""What stands in every answer, whoever made it: what browsers are to do and not to do with it."""

from collections.abc import Collection
from typing import Final

from authz_gateway.http.cors import Cors

_SECURITY: Final = (
    ("x-content-type-options", "X-Content-Type-Options: nosniff"),
    ("x-frame-options", "X-Frame-Options: DENY"),
    ("referrer-policy", "Referrer-Policy: no-referrer"),
)
_NO_STORE: Final = ("cache-control", "Cache-Control: no-store")
_MOST_MADE: Final = 256


class ResponseHeaders:
    """Makes the lines that are added to an answer; what an upstream says itself stays."""

    def __init__(self, cors: Cors, *, security: bool, hsts_seconds: int) -> None:
        """`security` for the headers that keep browsers safe; `hsts_seconds` 0 for no HSTS."""
        self.cors = cors
        hsts = f"Strict-Transport-Security: max-age={hsts_seconds}"
        shown = (*_SECURITY, *([("strict-transport-security", hsts)] if hsts_seconds else []))
        public = shown if security else ()
        self._lines = {False: dict(public), True: dict((*public, _NO_STORE))}
        self._made: dict[tuple[str | None, bool], bytes] = {}

    def added(self, origin: str | None, private: bool, present: Collection[str]) -> bytes:
        """The lines for a page of `origin`, or for a client that is no page; each ends with CRLF.

        `private`: made for one caller, and for no cache. `present`: lower-case names of headers
        that the answer has already.
        """
        if origin is not None:
            origin = self.cors.counted_as(origin)
        if present:
            return self._make(origin, private, present)
        made = self._made.get((origin, private))
        if made is None:
            if len(self._made) >= _MOST_MADE:
                self._made.clear()
            made = self._made[origin, private] = self._make(origin, private, ())
        return made

    def _make(self, origin: str | None, private: bool, present: Collection[str]) -> bytes:
        ours = (line for name, line in self._lines[private].items() if name not in present)
        return "".join(f"{line}\r\n" for line in (*self.cors.lines(origin), *ours)).encode()
