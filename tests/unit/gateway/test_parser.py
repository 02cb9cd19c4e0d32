"""Heads of requests and responses: complete, incomplete and malformed ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_gateway.http.parser import (
    BrokenHead,
    HeadLimits,
    RequestHead,
    RequestReader,
    ResponseHead,
    TooLargeHead,
    TooLongTarget,
    read_request,
    read_response,
)

LIMITS = HeadLimits(target_bytes=100, header_bytes=1000, header_lines=10)
HOST = b"Host: gateway"


def a_request(*lines: bytes, start: bytes = b"GET /x HTTP/1.1") -> bytes:
    return b"\r\n".join((start, *(lines or (HOST,)), b"", b""))


def read(data: bytes) -> RequestHead:
    head = read_request(data, LIMITS)
    assert head is not None
    return head


def test_a_head_is_read_and_the_rest_is_left() -> None:
    data = a_request(HOST, b"Cookie: a", b"X:\t b \t", b"cookie:b", b"X-\xc3\xa9: c")
    with pytest.raises(BrokenHead):
        read(data)
    data = a_request(
        HOST, b"Cookie: a", b"X:\t b \t", b"cookie:b", b"Empty:", b"Bytes: \xc3\xa9\xff"
    )
    head = read(data + b"GET /y")
    assert (head.method, head.target, head.minor, head.size) == ("GET", "/x", 1, len(data))
    assert (head.length, head.persistent) == (0, True)
    assert head.headers.getall("COOKIE") == ["a", "b"]
    assert head.headers["x"] == "b"
    assert head.headers.get("Empty") == ""
    assert head.headers.get("bytes") == "é\udcff"
    assert "Cookie" in head.headers
    assert "nothing" not in head.headers
    assert head.headers.get("nothing") is None
    with pytest.raises(KeyError):
        head.headers.getall("nothing")


@pytest.mark.parametrize(
    ("lines", "start", "expected"),
    [
        ([HOST, b"Content-Length: 7"], b"POST /x HTTP/1.1", (7, True)),
        ([HOST, b"Transfer-Encoding: Chunked"], b"POST /x HTTP/1.1", (None, True)),
        ([HOST, b"Connection: x, Close"], b"GET /x HTTP/1.1", (0, False)),
        ([HOST], b"GET /x HTTP/1.0", (0, False)),
        ([b"X: y"], b"GET /x HTTP/1.0", (0, False)),
        ([HOST, b"Connection: keep-alive"], b"GET /x HTTP/1.0", (0, True)),
        ([HOST], b"\r\nGET /x HTTP/1.1", (0, True)),
        ([b"Host:"], b"GET /x HTTP/1.1", (0, True)),
        ([b"Host: [::1]:80"], b"M-SEARCH /x HTTP/1.1", (0, True)),
    ],
)
def test_body_length_and_persistence(
    lines: list[bytes], start: bytes, expected: tuple[int | None, bool]
) -> None:
    head = read(a_request(*lines, start=start))
    assert (head.length, head.persistent) == expected


BROKEN_STARTS = [
    *(b"get /x HTTP/1.1", b"G@T /x HTTP/1.1", b" GET /x HTTP/1.1", b"GET  /x HTTP/1.1"),
    *(b"GET /x  HTTP/1.1", b"GET /x HTTP/1.1 ", b"GET /x\tHTTP/1.1", b"GET /x HTTP/2.0"),
    *(b"GET /x HTTP/0.9", b"GET /x HTTP/1.2", b"GET /x HTTP/1.10", b"GET /x http/1.1", b"GET /x"),
    *(
        b"GET /\xc3\xa9 HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET /\x7f HTTP/1.1",
        b"CONNECT /x HTTP/1.1",
    ),
    *(b"\r\n\r\nGET /x HTTP/1.1", b"\nGET /x HTTP/1.1", b"A" * 33 + b" /x HTTP/1.1", b""),
    *(
        b"GET /x HTTP/1.1\nX: y",
        b"GET /x HTTP/1.1\rX: y",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ),
]
BROKEN_LINES = [
    *(b"X : y", b" X: y", b"\tX: y", b": y", b"X", b"X\x00: y", b"X: \x00", b"X: \x01", b"X: \x7f"),
    *(b"X: a\nY: b", b"X: a\rY: b", b"X: a\r\n folded", b"X: a\r\n\tfolded", b"X(: y", b"X\xc3: y"),
    *(b"Content-Length: -1", b"Content-Length: +1", b"Content-Length: 1 1", b"Content-Length: 0x1"),
    *(b"Content-Length:", b"Content-Length: 1, 1", b"Content-Length: 1_0", b"Content-Length: 1.0"),
    *(b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length: 1\r\ncontent-length: 2"),
    *(b"Content-Length: 9999999999999999", b"Content-Length: \xd9\xa1", b"Content-Length: 1\x0b"),
    *(b"Transfer-Encoding: chunked\r\nContent-Length: 1", b"Transfer-Encoding: gzip"),
    *(b"Content-Length: 1\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked, chunked"),
    *(b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x"),
    *(b"Transfer-Encoding: identity", b"Transfer-Encoding:", b"Transfer-Encoding: \x0bchunked"),
    *(b'Transfer-Encoding: "chunked"', b"Transfer-Encoding: chunked;q=1", b"Host: other"),
]
BROKEN = [
    *(a_request(start=start) for start in BROKEN_STARTS),
    *(a_request(HOST, line) for line in BROKEN_LINES),
    a_request(b"X: y"),
    *(
        a_request(b"Host: " + host)
        for host in (b"a b", b"a/b", b"u@h", b"a,b c", b"a\\b", b"\xc3\xa9")
    ),
    a_request(HOST, b"Transfer-Encoding: chunked", start=b"POST /x HTTP/1.0"),
    a_request(HOST, HOST, start=b"GET /x HTTP/1.0"),
]


@pytest.mark.parametrize("data", BROKEN)
def test_ambiguous_heads_are_refused(data: bytes) -> None:
    with pytest.raises(BrokenHead):
        read_request(data, LIMITS)


def test_bare_line_feeds_are_refused_before_the_head_is_whole() -> None:
    with pytest.raises(BrokenHead):
        read_request(b"GET /x HTTP/1.1\nHost: gateway\n\n", LIMITS)


@pytest.mark.parametrize(
    ("data", "broken"),
    [
        (a_request(start=b"GET /" + b"x" * 100 + b" HTTP/1.1"), TooLongTarget),
        (b"GET /" + b"x" * 200, TooLongTarget),
        (a_request(HOST, *[b"X: y"] * 10), TooLargeHead),
        (a_request(HOST, b"X: " + b"y" * 1000), TooLargeHead),
        (b"GET /x HTTP/1.1\r\nX: " + b"y" * 1200, TooLargeHead),
    ],
)
def test_heads_have_limits(data: bytes, broken: type[BrokenHead]) -> None:
    with pytest.raises(broken):
        read_request(data, LIMITS)


@given(st.integers(0, 60))
def test_a_head_may_arrive_in_parts(cut: int) -> None:
    data = a_request(HOST, b"X: y", b"Content-Length: 3")
    assert (read_request(data[:cut], LIMITS) is None) == (cut < len(data))


@given(st.lists(st.sampled_from(sorted({*BROKEN_LINES, HOST, b"X: y", b"Content-Length: 3"}))))
def test_accepted_heads_are_unambiguous(lines: list[bytes]) -> None:
    """One Host, at most one of Content-Length and Transfer-Encoding, no line within another."""
    lines = lines or [HOST]
    try:
        head = read_request(a_request(*lines), HeadLimits(100, 10_000, 100))
    except BrokenHead:
        return
    assert head is not None
    assert len(head.headers.getall("host")) == 1
    assert len(head.headers.getall("content-length", [])) <= 1
    assert not {"content-length", "transfer-encoding"} <= set(head.headers)
    fields = sorted((name, head.headers.getall(name)) for name in {*head.headers})
    assert sum(len(values) for _, values in fields) == len(lines)


def an_answer(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join((start, *lines, b"", b""))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (an_answer(), (b"HTTP/1.1 200 OK\r\n", False, None, True)),
        (an_answer(start=b"HTTP/1.1 404 "), (b"HTTP/1.1 404 \r\n", False, None, True)),
        (an_answer(start=b"HTTP/1.1 404"), (b"HTTP/1.1 404 \r\n", False, None, True)),
        (an_answer(start=b"HTTP/1.0 200 OK"), (b"HTTP/1.1 200 OK\r\n", False, None, False)),
        (an_answer(b"Content-Length: 5"), (b"HTTP/1.1 200 OK\r\n", False, 5, True)),
        (an_answer(b"transfer-encoding: chunked"), (b"HTTP/1.1 200 OK\r\n", True, None, True)),
        (
            an_answer(b"Connection: close", b"Content-Length: 0"),
            (b"HTTP/1.1 200 OK\r\n", False, 0, False),
        ),
    ],
)
def test_response_heads(data: bytes, expected: tuple[object, ...]) -> None:
    head = read_response(data + b"rest", 1000)
    assert isinstance(head, ResponseHead)
    assert (head.line, head.chunked, head.length, head.persistent) == expected
    assert head.status == int(head.line.split()[1])
    assert head.size == len(data)


@pytest.mark.parametrize(
    "data",
    [
        *(an_answer(start=b"HTTP/1.1 20 OK"), an_answer(start=b"HTTP/2 200 OK"), b"\r\n\r\n"),
        *(an_answer(b"X: a\r\n folded"), an_answer(b"X : a"), b"HTTP/1.1 200 OK\nX: y\n\n"),
        an_answer(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        *(an_answer(b"Content-Length: 5", b"Content-Length: 5"), an_answer(b"Content-Length: x")),
        an_answer(b"Transfer-Encoding: chunked", start=b"HTTP/1.0 200 OK"),
        an_answer(b"Transfer-Encoding: gzip"),
        *(an_answer(b"X: " + b"y" * 1000), b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000),
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ],
)
def test_malformed_response_heads(data: bytes) -> None:
    with pytest.raises(BrokenHead):
        read_response(data, 1000)


def test_an_unchanged_head_is_parsed_once() -> None:
    reader = RequestReader(LIMITS)
    data = a_request(HOST, b"Accept: */*")
    assert reader.read(data) is reader.read(bytes(bytearray(data)))


@pytest.mark.parametrize(
    ("sent", "behind"),
    [
        (a_request(HOST, b"X-Request-Id: 4711"), b""),
        (a_request(HOST, b"Accept: */*"), b"GET /another HTTP/1.1\r\n"),
        (a_request(HOST, b"Accept: " + b"x" * 2048), b""),
    ],
    ids=["it has an id of its own", "more came with it", "it is long"],
)
def test_a_unique_head_is_not_cached(sent: bytes, behind: bytes) -> None:
    reader = RequestReader(HeadLimits(100, 10_000, 100))
    first, second = reader.read(sent + behind), reader.read(sent + behind)
    assert first is not None
    assert second is not None
    assert first is not second
    assert first.size == len(sent)


def test_the_cache_of_heads_has_a_maximum() -> None:
    reader = RequestReader(LIMITS)
    first = reader.read(a_request(HOST, b"Accept: */*"))
    for number in range(1024):
        reader.read(a_request(HOST, b"Accept: application/%d" % number))
    assert reader.read(a_request(HOST, b"Accept: */*")) is not first


def test_a_broken_head_is_refused_each_time() -> None:
    reader = RequestReader(LIMITS)
    for _ in range(2):
        with pytest.raises(BrokenHead):
            reader.read(a_request(HOST, b"Accept : */*"))
