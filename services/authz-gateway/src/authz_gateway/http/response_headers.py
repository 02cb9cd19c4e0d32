"""What stands in every answer, whoever made it: what browsers are to do and not to do with it."""

from collections.abc import Collection

from authz_gateway.http.cors import Cors

REPLACED = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
        "access-control-expose-headers",
        "access-control-max-age",
        "server",
    }
)
"""Headers of upstreams, in lower case, that clients do not see: who may call is told by us alone,
and what runs here is nobody's business."""

_SECURITY = (
    ("x-content-type-options", "X-Content-Type-Options: nosniff"),
    ("x-frame-options", "X-Frame-Options: DENY"),
    ("referrer-policy", "Referrer-Policy: no-referrer"),
)
_NO_STORE = ("cache-control", "Cache-Control: no-store")


class AnswerHeaders:
    """Makes the lines that are added to an answer; what an upstream says itself stays."""

    def __init__(self, cors: Cors, *, security: bool, hsts_seconds: int) -> None:
        """`security` for the headers that keep browsers safe; `hsts_seconds` 0 for no HSTS."""
        self.cors = cors
        hsts = f"Strict-Transport-Security: max-age={hsts_seconds}"
        shown = (*_SECURITY, *([("strict-transport-security", hsts)] if hsts_seconds else []))
        public = shown if security else ()
        self._lines = {False: dict(public), True: dict((*public, _NO_STORE))}

    def lines(
        self, origin: str | None, *, private: bool, present: Collection[str] = ()
    ) -> tuple[str, ...]:
        """The lines for a page of `origin`, or for who is no page.

        `private`: made for one caller, and for no cache. `present`: lower-case names of headers
        that the answer has already.
        """
        ours = self._lines[private]
        if ours.keys().isdisjoint(present):
            return (*self.cors.lines(origin), *ours.values())
        added = (line for name, line in ours.items() if name not in present)
        return (*self.cors.lines(origin), *added)
