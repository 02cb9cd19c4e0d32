"""HTTP/2 and gRPC through Envoy, with the example deploy/envoy/http2.yaml."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc
import h2.config
import h2.connection
import h2.events
import pytest
from yarl import URL

from tests.support.carrying_proxies import envoy
from tests.support.client import Client
from tests.support.system import Installation

METHOD = "/your.package.Service/Echo"
OTHER = "/your.package.Service/Other"
ROLE = "member"
Metadata = Sequence[tuple[str, str]]


class Echo(grpc.GenericRpcHandler):
    """Echoes messages and what it knows of its caller; `seen`: the metadata of the calls."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        self.seen.append({name: str(value) for name, value in details.invocation_metadata})

        async def echo(messages: AsyncIterator[bytes], _: object) -> AsyncIterator[bytes]:
            async for message in messages:
                yield b"echo " + message

        return grpc.stream_stream_rpc_method_handler(echo)


@pytest.fixture(scope="module")
async def echo() -> AsyncIterator[tuple[Echo, str]]:
    handler = Echo()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield handler, f"http://127.0.0.1:{port}"
    finally:
        await server.stop(0)


@pytest.fixture(scope="module")
async def front(
    system: Installation, echo: tuple[Echo, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[URL]:
    folder = tmp_path_factory.mktemp("envoy")
    async with envoy(folder, system.gateway_url, echo[1], "http2.yaml") as url:
        yield URL(url)


@pytest.fixture(scope="module")
async def permitted(admin: Client) -> None:
    """Members may call one method of the service."""
    form = {"role": ROLE, "verb": "post", "path": METHOD.strip("/"), "action": "accept"}
    assert (await admin.post("admin/permissions", form)).status == 201


async def called(front: URL, method: str, metadata: Metadata) -> list[bytes]:
    """The answers to two messages; raises `AioRpcError`."""
    async with grpc.aio.insecure_channel(f"{front.host}:{front.port}") as channel:
        call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(method)(
            metadata=metadata
        )
        answers = []
        for message in (b"one", b"two"):
            await call.write(message)
            answer = await call.read()
            assert isinstance(answer, bytes)
            answers.append(answer)
        await call.done_writing()
        return answers


async def called_once(front: URL, method: str, metadata: Metadata) -> bytes:
    """The answer to one message; raises `AioRpcError`.

    gRPC sends message and end together: with a stream, a refusal that comes before the message is
    written is an internal error of the client.
    """
    async with grpc.aio.insecure_channel(f"{front.host}:{front.port}") as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        return await call(b"one", metadata=metadata)


@pytest.mark.usefixtures("permitted")
async def test_a_grpc_call_reaches_its_service_with_the_gateways_token(
    client: Client, front: URL, echo: tuple[Echo, str]
) -> None:
    await client.become_member()
    presented = (await client.log_in()).headers["Authorization"]
    assert await called(front, METHOD, [("authorization", presented)]) == [
        b"echo one",
        b"echo two",
    ]
    seen = echo[0].seen[-1]["authorization"]
    assert seen.startswith("Bearer ")
    assert seen != presented


@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize(
    ("method", "credentials", "code"),
    [
        (METHOD, False, grpc.StatusCode.UNAUTHENTICATED),
        (OTHER, True, grpc.StatusCode.UNAUTHENTICATED),
    ],
)
async def test_a_refusal_is_a_grpc_status(
    client: Client,
    front: URL,
    echo: tuple[Echo, str],
    method: str,
    credentials: bool,
    code: grpc.StatusCode,
) -> None:
    before = len(echo[0].seen)
    metadata: Metadata = ()
    if credentials:
        await client.become_member()
        metadata = [("authorization", (await client.log_in()).headers["Authorization"])]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await called_once(front, method, metadata)
    assert caught.value.code() is code
    assert len(echo[0].seen) == before


async def test_clients_of_http_2_reach_the_gateway(client: Client, front: URL) -> None:
    await client.become_member()
    bearer = (await client.log_in()).headers["Authorization"]
    headers = [("authorization", bearer)]  # Envoy forwards another address than loopback: no cookie
    paths = ["/resource/users/me", "/identity/ping", "/resource/users/me", "/admin/users"]
    answers = await asyncio.wait_for(asked(front, paths, headers), 60)
    assert [status for status, _ in answers] == [200, 200, 200, 401]
    assert client.email.encode() in answers[0][1]


async def asked(front: URL, paths: Sequence[str], headers: Metadata) -> list[tuple[int, bytes]]:
    """Status and body of concurrent calls on one connection (RFC 9113)."""
    reader, writer = await asyncio.open_connection(front.host, front.port)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    streams = []
    for path in paths:
        stream = connection.get_next_available_stream_id()
        pseudo = [(":method", "GET"), (":scheme", "http"), (":path", path)]
        connection.send_headers(
            stream, [*pseudo, (":authority", "gateway"), *headers], end_stream=True
        )
        streams.append(stream)
    writer.write(connection.data_to_send())
    status: dict[int, int] = {}
    body = dict.fromkeys(streams, b"")
    ended: set[int] = set()
    while len(ended) < len(streams):
        for event in connection.receive_data(await reader.read(65_536)):
            match event:
                case h2.events.ResponseReceived(stream_id=stream):
                    status[stream] = int(
                        {str(name): value for name, value in event.headers}[":status"]
                    )
                case h2.events.DataReceived(stream_id=stream):
                    body[stream] += event.data
                case h2.events.StreamEnded(stream_id=stream):
                    ended.add(stream)
        writer.write(connection.data_to_send())
    writer.close()
    await writer.wait_closed()
    return [(status[stream], body[stream]) for stream in streams]
