"""One request, from its head to its line in the access log."""

from time import monotonic
from typing import TYPE_CHECKING, Final

from authz_gateway.http.headers import ascii_lower
from authz_gateway.http.parser import RequestHead
from authz_gateway.http.request_body import NO_BODY, RequestBody
from shared.web.access_log import UNKNOWN_ROUTE
from shared.web.request_ids import request_id

if TYPE_CHECKING:
    from authz_gateway.http.connection import ClientConnection

_KEEP_ALIVE: Final = b"\r\n\r\n"
_KEEP_ALIVE_HTTP_1_0: Final = b"\r\nConnection: keep-alive\r\n\r\n"
_CLOSE: Final = b"\r\nConnection: close\r\n\r\n"
_UNREADABLE: Final = RequestHead("", "", 0, [], 0)


class Request:
    """A request and the state of its answer.

    `began`: by the monotonic clock, seconds. `route`, `uid` and `reason`, the error codes, are for
    log and metrics. `persistent`: the connection stays open after the answer. `disconnected`: the
    client has closed the connection. `private`: no cache may store the answer. `trace`: header
    lines with the trace context for the upstream, each with its line break.
    """

    __slots__ = (
        *("address", "address_text", "began", "body", "connection", "continue_expected"),
        *("disconnected", "head", "id", "persistent", "private", "reason", "route", "trace"),
        "uid",
    )

    def __init__(
        self, connection: "ClientConnection", head: RequestHead, max_body_bytes: int
    ) -> None:
        self.connection = connection
        self.head = head
        self.began = monotonic()
        self.id = request_id(head.read.get("x-request-id", ""))
        self.address = connection.address
        self.address_text = connection.address_text
        self.persistent = head.persistent
        self.disconnected = False
        self.route = UNKNOWN_ROUTE
        self.uid: str | None = None
        self.reason: str | None = None
        self.private = True
        self.trace = b""
        if head.length == 0:
            self.body = NO_BODY
            self.continue_expected = False
        else:
            self.body = RequestBody(connection, head.length, max_body_bytes)
            expected = ascii_lower(head.read.get("expect", "")) == "100-continue"
            self.continue_expected = expected and head.minor == 1

    @classmethod
    def unreadable(cls, connection: "ClientConnection", reason: str) -> "Request":
        """Stands for input that is no request; `reason` is its error code."""
        request = cls(connection, _UNREADABLE, 0)
        request.body = RequestBody(connection, None, 0)  # never complete, so the connection closes
        request.reason = reason
        return request

    def final_lines(self) -> bytes:
        """The last header lines of the answer, and the end of its head.

        Decides whether the connection stays open: not when the server drains, and not when the
        client would first have to send the rest of a body that is no longer needed.
        """
        if self.persistent and self.body.complete and not self.connection.server.draining:
            end = _KEEP_ALIVE if self.head.minor else _KEEP_ALIVE_HTTP_1_0
        else:
            self.persistent = False
            end = _CLOSE
        return b"X-Request-Id: " + self.id.encode() + end
