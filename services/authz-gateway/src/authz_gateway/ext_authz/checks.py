"""Translates Envoy's check into a request to the decision endpoint, and the answer back.

So both kinds of external authorization have one decision, one set of limits, and one log.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus

from authz_gateway.ext_authz.messages_pb2 import (
    AttributeContext,
    CheckRequest,
    CheckResponse,
    DeniedHttpResponse,
    HeaderValue,
    HeaderValueOption,
    HttpStatus,
    OkHttpResponse,
    Status,
)
from authz_gateway.routing.route_table import DECISION_PATH

_OK, _PERMISSION_DENIED, _UNAVAILABLE = 0, 7, 14
"""Codes of gRPC."""

_METHOD = re.compile(r"[A-Z-]{1,32}")
_PATH = re.compile(r"/[\x21-\x7e]*")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_HOST = re.compile(rb"[\x21-\x7e]*")

_FRAMING = frozenset(
    {
        *(b"connection", b"content-length", b"expect", b"host", b"keep-alive", b"te", b"trailer"),
        *(b"transfer-encoding", b"upgrade", b"proxy-connection"),
    }
)
"""Fields of the original call that say nothing of the request made of it."""

_OF_GATEWAY = frozenset({"connection", "content-length", "date"})
"""Fields of the decision endpoint's answer that are not for the client."""

_REMOVE = "x-envoy-auth-headers-to-remove"


class BadCheckError(ValueError):
    """The check is not about an HTTP request that could have arrived."""


def request_of(check: CheckRequest) -> bytes:
    """The request to the decision endpoint; raises `BadCheckError`.

    Nothing in it is trusted to be free of line breaks: they would add header lines.
    """
    asked = check.attributes.request.http
    if not _METHOD.fullmatch(asked.method) or not _PATH.fullmatch(asked.path):
        raise BadCheckError
    host = asked.host.encode()
    if not _HOST.fullmatch(host):
        raise BadCheckError
    body = asked.raw_body or asked.body.encode()
    lines = [
        f"{asked.method} {DECISION_PATH}{asked.path} HTTP/1.1".encode(),
        b"Host: " + host,
        b"Connection: close",
    ]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    for name, value in _fields(asked):
        if name.startswith(b":") or name.lower() in _FRAMING:
            continue
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise BadCheckError
        lines.append(name + b": " + value)
    return b"\r\n".join((*lines, b"", body))


def _fields(asked: "AttributeContext.HttpRequest") -> Iterable[tuple[bytes, bytes]]:
    if asked.header_map.headers:
        for each in asked.header_map.headers:
            yield each.key.encode(), each.raw_value or each.value.encode()
    else:
        for name, value in asked.headers.items():
            yield name.encode(), value.encode()


def response_of(answer: bytes) -> CheckResponse:
    """Envoy's answer for that of the decision endpoint; an empty one is no decision: 503."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return denied(HTTPStatus.SERVICE_UNAVAILABLE)
    start, *lines = head.decode("latin-1").split("\r\n")
    status = int(start.split(" ")[1])
    fields = [(name.lower(), value.strip()) for name, _, value in (x.partition(":") for x in lines)]
    if status == HTTPStatus.OK:
        return CheckResponse(
            status=Status(code=_OK),
            ok_response=OkHttpResponse(
                headers=[_replacing(*each) for each in fields if each[0] == "authorization"],
                headers_to_remove=[value for name, value in fields if name == _REMOVE],
            ),
        )
    kept = [_replacing(*each) for each in fields if each[0] not in _OF_GATEWAY]
    return denied(status, kept, body.decode("utf-8", "replace"))


def denied(status: int, headers: Iterable[HeaderValueOption] = (), body: str = "") -> CheckResponse:
    """The answer that refuses a call with this status."""
    unavailable = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return CheckResponse(
        status=Status(code=_UNAVAILABLE if unavailable else _PERMISSION_DENIED),
        denied_response=DeniedHttpResponse(
            status=HttpStatus(code=status), headers=headers, body=body
        ),
    )


def _replacing(name: str, value: str) -> HeaderValueOption:
    return HeaderValueOption(
        header=HeaderValue(key=name, value=value),
        append=HeaderValueOption.BoolValue(value=False),
    )
