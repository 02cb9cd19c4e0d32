"""One request, from its head to its line in the log."""

from time import monotonic
from typing import TYPE_CHECKING, Final

from authz_gateway.http.headers import ascii_lower
from authz_gateway.http.parser import RequestHead
from authz_gateway.http.request_body import NO_BODY, RequestBody
from shared.web.access_log import UNKNOWN_ROUTE
from shared.web.request_ids import request_id

if TYPE_CHECKING:
    from authz_gateway.http.connection import ClientConnection

_KEPT: Final = b"\r\n\r\n"
_KEPT_BY_1_0: Final = b"\r\nConnection: keep-alive\r\n\r\n"
_CLOSED: Final = b"\r\nConnection: close\r\n\r\n"
_UNREADABLE: Final = RequestHead("", "", 0, [], 0)


class Request:
    """What a client asked, and what became of it.

    `began` is of the monotonic clock. `route` and `uid` are for log and metrics, and so is
    `reason`: why it was not fulfilled.
    `persistent`: whether the connection outlives the answer. `gone`: nobody waits for that.
    `private`: the answer is made for this caller alone.
    """

    __slots__ = (
        *("address", "began", "body", "connection", "continue_expected", "gone", "head", "id"),
        *("persistent", "private", "reason", "route", "shown_address", "uid"),
    )

    def __init__(
        self, connection: "ClientConnection", head: RequestHead, max_body_bytes: int
    ) -> None:
        self.connection = connection
        self.head = head
        self.began = monotonic()
        self.id = request_id(head.read.get("x-request-id", ""))
        self.address = connection.address
        self.shown_address = connection.shown_address
        self.persistent = head.persistent
        self.gone = False
        self.route = UNKNOWN_ROUTE
        self.uid: str | None = None
        self.reason: str | None = None
        self.private = True
        if head.length == 0:
            self.body = NO_BODY
            self.continue_expected = False
        else:
            self.body = RequestBody(connection, head.length, max_body_bytes)
            expected = ascii_lower(head.read.get("expect", "")) == "100-continue"
            self.continue_expected = expected and head.minor == 1

    @classmethod
    def unreadable(cls, connection: "ClientConnection", reason: str) -> "Request":
        """What came instead of a request."""
        request = cls(connection, _UNREADABLE, 0)
        request.body = RequestBody(connection, None, 0)  # whatever comes: it is not read
        request.reason = reason
        return request

    def last_lines(self) -> bytes:
        """The header lines that no two answers have alike, and the end of the head.

        From here on it is settled whether the connection outlives the answer: not where the client
        would have to send the rest of a body that nobody wants.
        """
        if self.persistent and self.body.complete and not self.connection.host.draining:
            end = _KEPT if self.head.minor else _KEPT_BY_1_0
        else:
            self.persistent = False
            end = _CLOSED
        return b"X-Request-Id: " + self.id.encode() + end
