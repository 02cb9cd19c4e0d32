"""The gRPC server that Envoy calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

import grpc.aio

from authz_gateway.ext_authz.checks import BadCheckError, denied, request_of, response_of
from authz_gateway.ext_authz.in_memory import answered
from authz_gateway.ext_authz.messages_pb2 import CheckRequest, CheckResponse
from authz_gateway.http.server import HttpServer

SERVICE = "envoy.service.auth.v3.Authorization"

MAX_MESSAGE_BYTES = 1_310_720
"""A head, and as many bytes of a body as a signature may cover: 1 MB."""

MAX_CHECKS = 256
"""How many are answered at the same time, in a third of a GB. Envoy gets an error beyond it."""

_STREAMS = 256
_BAD_REQUEST = 400


class WithExtAuthz:
    """The gateway's HTTP server, and a port for gRPC; implements `process.Server`.

    At the end the gRPC server stops first: Envoy goes to another gateway, and checks under way are
    answered.
    """

    def __init__(self, http: HttpServer, port: int) -> None:
        self._http = http
        self._port = port

    @asynccontextmanager
    async def listening(self, host: str, port: int, patience: float) -> AsyncIterator[str]:
        """See `process.Server`; gives the address for HTTP."""
        async with self._http.listening(host, port, patience) as address:
            server = grpc.aio.server(
                options=(
                    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                    ("grpc.max_concurrent_streams", _STREAMS),
                    ("grpc.so_reuseport", 0),
                ),
                maximum_concurrent_rpcs=MAX_CHECKS,
            )
            method = grpc.unary_unary_rpc_method_handler(
                self._check,
                request_deserializer=CheckRequest.FromString,
                response_serializer=CheckResponse.SerializeToString,
            )
            handlers = grpc.method_handlers_generic_handler(SERVICE, {"Check": method})
            server.add_generic_rpc_handlers((handlers,))
            place = f"[{host}]" if ":" in host else host
            server.add_insecure_port(f"{place}:{self._port}")
            await server.start()
            try:
                yield address
            finally:
                await server.stop(patience)

    async def _check(
        self, check: CheckRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> CheckResponse:
        try:
            request = request_of(check)
        except BadCheckError:
            return denied(_BAD_REQUEST)
        return response_of(await answered(self._http, _address(context.peer()), request))


def _address(peer: str) -> str:
    """The address in gRPC's name of a peer, such as `ipv6:%5B::1%5D:5000`; blank without one."""
    host, _, _ = unquote(peer).partition(":")[2].rpartition(":")
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return ""
