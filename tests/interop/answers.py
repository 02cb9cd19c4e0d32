"""The table of odd responses of upstreams, and what the client must get."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nSet-Cookie: a=evil\r\n\r\nevil"


@dataclass(frozen=True, slots=True, kw_only=True)
class OddAnswer:
    """A response that Node sends, and the expected result.

    `later`: what it sends when another request arrives, or a moment later. `hangs_up`: it closes
    the connection then. `status`: what the client gets, None when the answer must not look
    complete. `body`: of a 200. `has`: headers of the answer. `waits`: the gateway must close the
    connection, and the next clients connect after that.
    """

    id: str
    first: bytes
    later: bytes = b""
    hangs_up: bool = False
    method: str = "GET"
    status: int | None = 200
    body: bytes = b"ok"
    has: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waits: bool = False


def says(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK", body: bytes = b"ok") -> bytes:
    """The bytes of a response; no header is added for the body."""
    return b"\r\n".join((start, *lines, b"", body))


LENGTH, CODING = b"Content-Length: 2", b"Transfer-Encoding: chunked"
CHUNKED = b"2\r\nok\r\n0\r\n\r\n"


def bad(id_: str, first: bytes, *, hangs_up: bool = False) -> OddAnswer:
    """A malformed or ambiguous response."""
    return OddAnswer(id=id_, first=first, status=502, hangs_up=hangs_up)


def cut(id_: str, first: bytes, later: bytes = b"", *, hangs_up: bool = False) -> OddAnswer:
    """A response that turns out to be malformed after it began."""
    return OddAnswer(id=id_, first=first, later=later, status=None, hangs_up=hangs_up)


ODD_ANSWERS = (
    OddAnswer(id="plain", first=says(LENGTH)),
    bad("length-twice", says(LENGTH, LENGTH)),
    bad("lengths-differing", says(LENGTH, b"Content-Length: 200")),
    bad("length-listed", says(b"Content-Length: 2, 2")),
    bad("length-plus", says(b"Content-Length: +2")),
    bad("length-minus", says(b"Content-Length: -2")),
    bad("length-hexadecimal", says(b"Content-Length: 0x2")),
    bad("length-wide-digit", says("Content-Length: \uff12".encode())),
    bad("length-empty", says(b"Content-Length:")),
    bad("both-lengths", says(LENGTH, CODING, body=CHUNKED)),
    bad("both-lengths-coding-first", says(CODING, LENGTH, body=CHUNKED)),
    bad("coding-twice", says(CODING, CODING, body=CHUNKED)),
    bad("coding-identity", says(b"Transfer-Encoding: chunked, identity", body=CHUNKED)),
    bad("coding-gzip", says(b"Transfer-Encoding: gzip, chunked", body=CHUNKED)),
    bad("coding-kelvin-sign", says("Transfer-Encoding: chun\u212aed".encode(), body=CHUNKED)),
    bad("coding-vertical-tab", says(b"Transfer-Encoding: \x0bchunked", body=CHUNKED)),
    bad("coding-of-1.0", says(CODING, start=b"HTTP/1.0 200 OK", body=CHUNKED)),
    bad("folded", says(b"X-Odd: a\r\n b", LENGTH)),
    bad("space-before-colon", says(b"Content-Length : 2")),
    bad("space-in-name", says(b"X Odd: a", LENGTH)),
    bad("no-colon", says(b"X-Odd", LENGTH)),
    bad("null-in-value", says(b"X-Odd: a\x00b", LENGTH)),
    bad("carriage-return-in-value", says(b"X-Odd: a\rSet-Cookie: a=evil", LENGTH)),
    bad("line-feed-in-value", says(b"X-Odd: a\nSet-Cookie: a=evil", LENGTH)),
    bad("line-feeds-only", says(LENGTH).replace(b"\r\n", b"\n")),
    bad("empty-line-before", b"\r\n" + says(LENGTH)),
    bad("http-0.9", b"ok", hangs_up=True),
    bad("http-2.0", says(LENGTH, start=b"HTTP/2.0 200 OK")),
    bad("status-of-two-digits", says(LENGTH, start=b"HTTP/1.1 20 OK")),
    bad("status-of-four-digits", says(LENGTH, start=b"HTTP/1.1 2000 OK")),
    bad("status-below-100", says(LENGTH, start=b"HTTP/1.1 099 OK")),
    bad("null-in-reason", says(LENGTH, start=b"HTTP/1.1 200 O\x00K")),
    bad("nothing", b"", hangs_up=True),
    bad("half-a-head", b"HTTP/1.1 200 OK\r\nX-Odd: a", hangs_up=True),
    bad("head-of-70-kb", says(LENGTH, b"X-Odd: <padding>")),
    bad("switching-unasked", says(b"Upgrade: websocket", b"Connection: Upgrade",
        start=b"HTTP/1.1 101 Switching Protocols")),
    bad("17-interim-answers", b"HTTP/1.1 102 Processing\r\n\r\n" * 17 + says(LENGTH)),
    cut("body-cut", says(b"Content-Length: 20"), hangs_up=True),
    cut("chunks-cut", says(CODING, body=b"2\r\nok\r\n"), hangs_up=True),
    cut("chunk-cut", says(CODING, body=b"20\r\nok"), hangs_up=True),
    bad("chunks-minus", says(CODING, body=b"2\r\nok\r\n-1\r\n")),
    bad("chunks-line-feed", says(CODING, body=b"2\nok\r\n0\r\n\r\n")),
    bad("chunks-too-much-content", says(CODING, body=b"2\r\nokk\r\n0\r\n\r\n")),
    bad("chunks-broken-trailer", says(CODING, body=b"2\r\nok\r\n0\r\nX : y\r\n\r\n")),
    cut("chunks-minus-later", says(CODING, body=b"2\r\nok\r\n"), b"-1\r\n"),
    cut("chunks-line-feed-later", says(CODING, body=b"2\r\nok\r\n"), b"0\n\n"),
    OddAnswer(id="until-the-end", first=says(), hangs_up=True),
    OddAnswer(id="until-the-end-of-1.0", first=says(start=b"HTTP/1.0 200 OK"), hangs_up=True),
    OddAnswer(id="kept-by-1.0", first=says(LENGTH, b"Connection: keep-alive",
        start=b"HTTP/1.0 200 OK")),
    OddAnswer(id="not-kept-by-1.0", first=says(LENGTH, start=b"HTTP/1.0 200 OK"), waits=True),
    OddAnswer(id="no-reason", first=says(LENGTH, start=b"HTTP/1.1 200")),
    OddAnswer(id="empty-reason", first=says(LENGTH, start=b"HTTP/1.1 200 ")),
    OddAnswer(id="status-beyond-599", first=says(LENGTH, start=b"HTTP/1.1 999 Odd"), status=999),
    OddAnswer(id="continue-unasked", first=b"HTTP/1.1 100 Continue\r\n\r\n" + says(LENGTH)),
    OddAnswer(id="processing", first=b"HTTP/1.1 102 Processing\r\n\r\n" + says(LENGTH)),
    OddAnswer(id="early-hints",
        first=b"HTTP/1.1 103 Early Hints\r\nServer: evil\r\nAccess-Control-Allow-Origin: evil\r\n"
        b"Connection: x-odd\r\nX-Odd: evil\r\nKeep-Alive: evil\r\n\r\n" + says(LENGTH)),
    OddAnswer(id="chunks-with-extension-and-trailer", first=says(CODING, b"Trailer: X-T",
        body=b"2;a=b\r\nok\r\n0\r\nX-T: y\r\nSet-Cookie: a=evil\r\n\r\n")),
    OddAnswer(id="chunks-kelvin-behind", first=says(b"X-Odd: chun\xe2\x84\xaaed", LENGTH)),
    OddAnswer(id="205", first=says(b"Content-Length: 0", start=b"HTTP/1.1 205 Reset", body=b""),
        status=205),
    OddAnswer(id="204-with-length", first=says(LENGTH, start=b"HTTP/1.1 204 No Content"),
        status=204),
    OddAnswer(id="204-with-chunks", first=says(CODING, start=b"HTTP/1.1 204 No Content",
        body=CHUNKED), status=204),
    OddAnswer(id="204-with-an-answer", first=says(start=b"HTTP/1.1 204 No Content", body=EVIL),
        status=204),
    OddAnswer(id="204-with-an-answer-later", first=says(start=b"HTTP/1.1 204 No Content",
        body=b""), later=EVIL, status=204),
    OddAnswer(id="304-with-length", first=says(LENGTH, start=b"HTTP/1.1 304 Not Modified",
        body=b""), status=304),
    OddAnswer(id="304-with-an-answer-later", first=says(LENGTH,
        start=b"HTTP/1.1 304 Not Modified", body=b""), later=EVIL, status=304),
    OddAnswer(id="head-with-a-body", first=says(LENGTH), method="HEAD"),
    OddAnswer(id="head-with-an-answer", first=says(b"Content-Length: %d" % len(EVIL), body=EVIL),
        method="HEAD"),
    OddAnswer(id="head-with-an-answer-later", first=says(b"Content-Length: %d" % len(EVIL),
        body=b""), later=EVIL, method="HEAD"),
    OddAnswer(id="head-of-chunks-with-an-answer-later", first=says(CODING, body=b""), later=EVIL,
        method="HEAD"),
    OddAnswer(id="answer-behind-a-body", first=says(LENGTH) + EVIL, waits=True),
    OddAnswer(id="answer-behind-chunks", first=says(CODING, body=CHUNKED) + EVIL, waits=True),
    OddAnswer(id="bytes-behind-a-body", first=says(LENGTH) + b"\r\n", waits=True),
    OddAnswer(id="answer-on-an-idle-connection", first=says(LENGTH), later=EVIL, waits=True),
    OddAnswer(id="timeout-on-an-idle-connection", first=says(LENGTH),
        later=b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", waits=True),
    OddAnswer(id="interim-on-an-idle-connection", first=says(LENGTH),
        later=b"HTTP/1.1 103 Early Hints\r\n\r\n", waits=True),
    OddAnswer(id="line-break-on-an-idle-connection", first=says(LENGTH), later=b"\r\n",
        waits=True),
    OddAnswer(id="hop-by-hop", first=says(LENGTH, b"Connection: X-Odd, keep-alive",
        b"X-Odd: evil", b"Keep-Alive: timeout=evil", b"Upgrade: evil", b"Trailer: evil",
        b"Proxy-Authenticate: Basic realm=evil", b"Proxy-Connection: evil", b"Server: evil",
        b"Access-Control-Allow-Origin: https://evil.example", b"X-Request-Id: evil",
        b"Access-Control-Allow-Credentials: true")),
    OddAnswer(id="cookies", first=says(LENGTH, b"Set-Cookie: a=1; Path=/", b"set-cookie: a=2"),
        has={"set-cookie": ("a=1; Path=/", "a=2")}),
    OddAnswer(id="value-of-bytes", first=says(LENGTH, b"X-Odd: \xc3\xb6\xff"),
        has={"x-odd": ("\u00c3\u00b6\u00ff",)}),
    OddAnswer(id="coded", first=says(LENGTH, b"Content-Encoding: gzip"),
        has={"content-encoding": ("gzip",)}),
    OddAnswer(id="names-the-length", first=says(LENGTH, b"Connection: content-length")),
    OddAnswer(id="names-the-coding", first=says(CODING, b"Connection: transfer-encoding",
        body=CHUNKED)),
)  # fmt: skip
