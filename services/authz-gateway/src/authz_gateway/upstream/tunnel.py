"""A WebSocket: bytes spliced both ways, until one of the three of us hangs up."""

from collections.abc import Callable

from authz_gateway.http.client_key import client_key
from authz_gateway.http.parser import ResponseHead
from authz_gateway.http.request import Request
from authz_gateway.upstream.connection import UpstreamConnection, UpstreamListener

_SWITCHED = 101


class Tunnel(UpstreamListener):
    """Both connections, once client and upstream agreed to leave HTTP.

    `ended` is told when there is nothing between them any more. `uid` is the user who opened it,
    `client` whose share of WebSockets it takes.
    """

    def __init__(
        self,
        request: Request,
        connection: UpstreamConnection,
        ended: Callable[["Tunnel"], None],
    ) -> None:
        self._request = request
        self._connection = connection
        self._ended = ended
        self.uid = request.uid
        self.client = client_key(request)

    def start(self, head: ResponseHead, rest: bytes, idle_seconds: float) -> None:
        """Passes on the upstream's consent, and whatever comes; not after such a silence."""
        request, client = self._request, self._request.connection
        request.persistent = False
        lines = (
            b"HTTP/1.1 101 Switching Protocols",
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"X-Request-Id: " + request.id.encode(),
            *head.to_client,
            b"\r\n",
        )
        client.write(b"\r\n".join(lines) + rest)
        client.response_source = self
        self._connection.switch_to_tunnel(self, client.write, idle_seconds)
        client.switch_to_tunnel(self._connection.write)

    def close(self) -> None:
        """Ends it."""
        self._connection.close()
        self._finish()

    # See `ResponseSource`.

    def client_disconnected(self) -> int:
        """See `ResponseSource`."""
        self._connection.close()
        self._ended(self)
        return _SWITCHED

    def client_full(self) -> None:
        """See `ResponseSource`."""
        self._connection.pause_reading()

    def client_ready(self) -> None:
        """See `ResponseSource`."""
        self._connection.resume_reading()

    # See `ResponseListener`.

    def upstream_failed(self, _error: OSError) -> None:
        """See `ResponseListener`."""
        self._finish()

    def upstream_full(self) -> None:
        """See `ResponseListener`."""
        self._request.connection.pause_reading()

    def upstream_ready(self) -> None:
        """See `ResponseListener`."""
        self._request.connection.resume_reading()

    def _finish(self) -> None:
        self._ended(self)
        self._request.connection.finish(_SWITCHED)
