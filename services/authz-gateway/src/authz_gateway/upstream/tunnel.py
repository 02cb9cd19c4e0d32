"""A WebSocket: copies bytes in both directions until the client, upstream or gateway closes it."""

from collections.abc import Callable

from authz_gateway.http.client_key import client_key
from authz_gateway.http.parser import ResponseHead
from authz_gateway.http.request import Request
from authz_gateway.upstream.connection import UpstreamConnection, UpstreamListener

_SWITCHING_PROTOCOLS = 101


class Tunnel(UpstreamListener):
    """The client's and the upstream's connection after a protocol upgrade.

    `ended` is called when the tunnel has closed. `uid`: the user who opened it, None for an
    anonymous client. `client`: the key of the per-client limit.
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
        """Sends the 101 response and starts copying; `idle_seconds`: the longest silence."""
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
        """Closes both connections."""
        self._connection.close()
        self._finish()

    # See `ResponseSource`.

    def client_disconnected(self) -> int:
        """See `ResponseSource`."""
        self._connection.close()
        self._ended(self)
        return _SWITCHING_PROTOCOLS

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
        client = self._request.connection
        client.count_unsent(self._connection.unsent)
        client.pause_reading()

    def upstream_ready(self) -> None:
        """See `ResponseListener`."""
        client = self._request.connection
        client.count_unsent(self._connection.unsent)
        client.resume_reading()

    def _finish(self) -> None:
        self._ended(self)
        self._request.connection.finish(_SWITCHING_PROTOCOLS)
