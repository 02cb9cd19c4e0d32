"""Envoy's external authorization over gRPC: what a question must look like, and its limits."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import pytest

from authz_gateway.ext_authz.messages_pb2 import (
    AttributeContext,
    CheckRequest,
    CheckResponse,
    HeaderMap,
    HeaderValue,
)
from authz_gateway.ext_authz.server import MAX_MESSAGE_BYTES, SERVICE
from deploy.local import ports
from tests.support.transport import NOWHERE, Gateway, gateway
from tests.support.waiting import until

ROUTES = f"""
- {{prefix: /pub, access: public, upstream: "{NOWHERE}"}}
- {{prefix: /locked, access: required, upstream: "{NOWHERE}"}}
- {{prefix: /blocked, access: blocked}}
"""
OK, UNAVAILABLE = 0, 503


class Envoy:
    """Asks as Envoy does."""

    def __init__(self, front: Gateway, port: int) -> None:
        self.front = front
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.ask = self.channel.unary_unary(
            f"/{SERVICE}/Check",
            request_serializer=CheckRequest.SerializeToString,
            response_deserializer=CheckResponse.FromString,
        )

    async def check(self, **http: Any) -> CheckResponse:
        """The answer to a question about a call; raises `grpc.RpcError`."""
        asked = AttributeContext.HttpRequest(
            **{"method": "GET", "path": "/pub", "host": "api.example"} | http
        )
        request = AttributeContext.Request(http=asked)
        check = CheckRequest(attributes=AttributeContext(request=request))
        answer: CheckResponse = await asyncio.to_thread(self.ask, check, timeout=10)
        return answer

    async def status(self, **http: Any) -> int:
        """The HTTP status of the refusal; 200 for a call that may pass."""
        answer = await self.check(**http)
        passes = answer.WhichOneof("http_response") == "ok_response"
        assert passes == (answer.status.code == OK)
        return 200 if passes else answer.denied_response.status.code


@pytest.fixture(scope="module")
async def envoy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Envoy]:
    [port] = ports.free_ports(1)
    settings = {"BARONG_EXT_AUTHZ_PORT": str(port)}
    async with gateway(tmp_path_factory.mktemp("gateway"), ROUTES, settings=settings) as front:
        made = Envoy(front, port)
        yield made
        made.channel.close()


async def test_a_public_call_passes_without_the_clients_credentials(envoy: Envoy) -> None:
    answer = await envoy.check(headers={":path": "/locked", "authorization": "Bearer forged"})
    assert answer.status.code == OK
    assert list(answer.ok_response.headers_to_remove) == ["authorization"]
    assert not answer.ok_response.headers


async def test_a_refusal_is_the_decision_endpoints_own(envoy: Envoy) -> None:
    answer = await envoy.check(path="/locked/x?y=1", method="POST")
    denied = answer.denied_response
    assert (answer.status.code, denied.status.code) == (7, 401)
    assert denied.body == '{"errors": ["authz.invalid_session"]}'
    headers = {each.header.key: each.header.value for each in denied.headers}
    assert headers["content-type"].startswith("application/json")
    assert headers["x-auth-reason"] == "authz.invalid_session"
    assert not headers.keys() & {"content-length", "connection", "date"}


async def test_a_service_that_is_away_is_no_open_door(envoy: Envoy) -> None:
    """identity-svc is down."""
    answer = await envoy.check(path="/locked", headers={"cookie": "_barong_session=x"})
    assert (answer.status.code, answer.denied_response.status.code) == (14, UNAVAILABLE)
    headers = {each.header.key: each.header.value for each in answer.denied_response.headers}
    assert headers["retry-after"]


@pytest.mark.parametrize(
    "http",
    [
        {"path": "*"},
        {"path": ""},
        {"path": "pub"},
        {"path": "/pub HTTP/1.1\r\nX-A: 1\r\n\r\n"},
        {"path": "/pub\n"},
        {"path": "/p\u00fcb"},
        {"path": "/locked/../pub"},
        {"path": "/pub#x"},
        {"method": ""},
        {"method": "get"},
        {"method": "GET /pub HTTP/1.1\r\n"},
        {"host": "a\r\nX-Forwarded-For: 1.2.3.4"},
        {"host": "a b"},
        {"headers": {"x-a": "1\r\nCookie: _barong_session=x"}},
        {"headers": {"x-a": "1\n"}},
        {"headers": {"x-a\r\ncookie": "1"}},
        {"headers": {"": "1"}},
        {"headers": {"x a": "1"}},
        {"headers": {"x-a": "\x00"}},
        {"header_map": HeaderMap(headers=[HeaderValue(key="x-a", raw_value=b"1\r\n\r\n")])},
    ],
)
async def test_what_is_no_call_is_refused(envoy: Envoy, http: Mapping[str, Any]) -> None:
    assert await envoy.status(**http) == 400
    assert await envoy.status() == 200


async def test_only_the_question_itself_says_what_is_asked(envoy: Envoy) -> None:
    """Fields that frame the original call frame nothing here."""
    framing = {
        "content-length": "9",
        "transfer-encoding": "chunked",
        "connection": "x-a, upgrade",
        "expect": "100-continue",
        "upgrade": "websocket",
        "te": "trailers",
        "host": "other",
    }
    for body in ({}, {"body": "text"}, {"raw_body": b"\r\n\r\nGET /blocked HTTP/1.1\r\n\r\n"}):
        assert await envoy.status(method="POST", headers=framing, **body) == 200
        assert await envoy.status(method="POST", path="/blocked", headers=framing, **body) == 401


async def test_repeated_lines_stay_apart(envoy: Envoy) -> None:
    """Two Authorization lines are no credential."""
    lines = [HeaderValue(key="authorization", raw_value=b"Bearer x")] * 2
    answer = await envoy.check(path="/locked", header_map=HeaderMap(headers=lines))
    assert answer.denied_response.status.code == 401


async def test_heads_and_messages_have_a_maximum(envoy: Envoy) -> None:
    assert await envoy.status(path="/pub/" + "x" * 9000) == 414
    assert await envoy.status(headers={"x-a": "x" * 40_000}) == 431
    with pytest.raises(grpc.RpcError) as refused:
        await envoy.check(body="x" * MAX_MESSAGE_BYTES)
    assert "RESOURCE_EXHAUSTED" in str(refused.value)
    assert await envoy.status() == 200


async def test_questions_leave_nothing_behind(envoy: Envoy) -> None:
    async def asked() -> int:
        try:
            return await envoy.status(path="/locked", headers={"cookie": "_barong_session=x"})
        except grpc.RpcError:
            return 0

    await asyncio.gather(*(asked() for _ in range(50)))

    async def nothing() -> bool:
        return await envoy.front.metric("gateway_client_connections") == 0

    await until(nothing)
