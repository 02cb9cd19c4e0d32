"""The table: hostile and odd requests, what must arrive, and what the client must get.

`<echo>` stands for a path of this row only at the upstream, which behaves as the word says: see
`upstreams/upstream.js`.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ALL = frozenset({"nginx", "node", "go", "gunicorn", "uvicorn"})

EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nSet-Cookie: a=evil\r\n\r\nevil"
EVIL_IN_QUERY = b"".join(b"%%%02X" % byte for byte in EVIL)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request that the upstream read completely.

    `has`: headers with their values, in order; an empty tuple for a header that must be absent.
    """

    method: str = "GET"
    target: bytes = b"<echo>"
    body: bytes = b""
    has: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one client sends on one connection, and the expected result.

    `sent`: in parts; each but the first is sent once the server said 100. `got`: the statuses of
    the answers. `ends`: whether the gateway hangs up behind them, None where it may. `alone`: the
    upstream's connection is not used again. `but`: the status that an upstream refuses all of it
    with. `only`: upstreams that can behave so.
    """

    id: str
    sent: Sequence[bytes]
    got: Sequence[int]
    arrived: Sequence[Arrived]
    ends: bool | None = False
    alone: bool = False
    but: Mapping[str, int] = field(default_factory=dict)
    only: frozenset[str] = ALL

    @property
    def methods(self) -> list[str]:
        """The requests that are answered."""
        known = [each.method for each in self.arrived]
        return known + ["GET"] * (len(self.got) - len(known))


def request(
    *lines: bytes,
    method: bytes = b"GET",
    target: bytes = b"<echo>",
    version: bytes = b"HTTP/1.1",
    host: bytes = b"Host: gateway",
    body: bytes = b"",
) -> bytes:
    """The bytes of a request; no header is added for the body."""
    hosts = [host] if host else []
    return b"\r\n".join((b"%b %b %b" % (method, target, version), *hosts, *lines, b"", body))


def refused(id_: str, *sent: bytes, status: int = 400) -> Row:
    """A malformed or ambiguous request: not forwarded, and the connection ends."""
    return Row(id=id_, sent=(b"".join(sent),), got=(status,), arrived=(), ends=True)


def declined(id_: str, sent: bytes, status: int = 400) -> Row:
    """A request that is not forwarded but has a known end: the connection stays open."""
    return Row(id=id_, sent=(sent,), got=(status,), arrived=())


def passes(
    id_: str,
    *lines: bytes,
    method: bytes = b"GET",
    target: bytes = b"<echo>",
    body: bytes = b"",
    arrives: bytes | None = None,
    has: Mapping[str, tuple[str, ...]] | None = None,
    status: int = 200,
    but: Mapping[str, int] | None = None,
    only: frozenset[str] = ALL,
    host: bytes = b"Host: gateway",
) -> Row:
    """A request that arrives once; `arrives`: its body at the upstream, if it differs."""
    there = Arrived(method.decode(), target, body if arrives is None else arrives, has or {})
    sent = request(*lines, method=method, target=target, body=body, host=host)
    return Row(id=id_, sent=(sent,), got=(status,), arrived=(there,), but=but or {}, only=only)


HIDDEN = request(target=b"<echo>/hidden")
LENGTH, CODING = b"Content-Length: %d", b"Transfer-Encoding: chunked"
CHUNKED = b"3\r\nabc\r\n0\r\n\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """The bytes of a POST."""
    return request(*lines, method=b"POST", body=body)


def chunks(id_: str, *body: bytes) -> Row:
    """A malformed chunked body."""
    return refused(f"chunks-{id_}", post(CODING, body=b"".join(body)), HIDDEN)


def coding(id_: str, line: bytes) -> Row:
    """A Transfer-Encoding that some servers accept and others ignore."""
    return refused(f"coding-{id_}", post(line, body=CHUNKED), HIDDEN)


def length(id_: str, *lines: bytes) -> Row:
    """A Content-Length that some servers could read differently."""
    return refused(f"length-{id_}", post(*lines, body=b"abc"), HIDDEN)


def path(id_: str, target: bytes) -> Row:
    """A target that two servers could read differently."""
    return declined(f"path-{id_}", request(target=target))


FRAMING = (
    refused("both-lengths", post(LENGTH % 3, CODING, body=CHUNKED), HIDDEN),
    refused("both-lengths-coding-first", post(CODING, LENGTH % 30, body=CHUNKED), HIDDEN),
    refused("both-lengths-of-nothing", post(LENGTH % 0, CODING, body=b"0\r\n\r\n"), HIDDEN),
    length("twice", LENGTH % 3, LENGTH % 3),
    length("differing", LENGTH % 3, LENGTH % 0),
    length("listed", b"Content-Length: 3, 3"),
    length("listed-differing", b"Content-Length: 3, 0"),
    length("plus", b"Content-Length: +3"),
    length("minus", b"Content-Length: -3"),
    length("hexadecimal", b"Content-Length: 0x3"),
    length("exponent", b"Content-Length: 3e0"),
    length("underscore", b"Content-Length: 0_3"),
    length("fraction", b"Content-Length: 3.0"),
    length("inner-space", b"Content-Length: 0 3"),
    length("empty", b"Content-Length:"),
    length("quoted", b'Content-Length: "3"'),
    length("wide-digit", "Content-Length: \uff13".encode()),
    length("arabic-digit", "Content-Length: \u0663".encode()),
    length("vertical-tab", b"Content-Length: \x0b3"),
    length("beyond-64-bits", b"Content-Length: 18446744073709551619"),
    length("space-before-colon", b"Content-Length : 3"),
    length("folded", b"Content-Length:\r\n 3"),
    passes("length-padded", b"Content-Length: \t 3 \t", method=b"POST", body=b"abc"),
    passes("length-leading-zeros", b"Content-Length: 0003", method=b"POST", body=b"abc"),
    passes("length-of-a-get", LENGTH % 3, body=b"abc"),
    passes("length-absent", method=b"POST"),
    refused("both-lengths-named-by-connection", post(b"Connection: content-length",
        LENGTH % 3, CODING, body=CHUNKED), HIDDEN),
    coding("twice", CODING + b"\r\n" + CODING),
    coding("listed-twice", b"Transfer-Encoding: chunked, chunked"),
    coding("identity-first", b"Transfer-Encoding: identity, chunked"),
    coding("identity-last", b"Transfer-Encoding: chunked, identity"),
    coding("identity-beside", CODING + b"\r\nTransfer-Encoding: identity"),
    coding("identity", b"Transfer-Encoding: identity"),
    coding("gzip-first", b"Transfer-Encoding: gzip, chunked"),
    coding("unknown", b"Transfer-Encoding: xchunked"),
    coding("parameter", b"Transfer-Encoding: chunked;q=1"),
    coding("quoted", b'Transfer-Encoding: "chunked"'),
    coding("comma-before", b"Transfer-Encoding: ,chunked"),
    coding("comma-behind", b"Transfer-Encoding: chunked,"),
    coding("empty", b"Transfer-Encoding:"),
    coding("vertical-tab", b"Transfer-Encoding:\x0bchunked"),
    coding("form-feed", b"Transfer-Encoding: chunked\x0c"),
    coding("null", b"Transfer-Encoding: chunked\x00"),
    coding("no-break-space", b"Transfer-Encoding: \xa0chunked"),
    coding("kelvin-sign", "Transfer-Encoding: chun\u212aed".encode()),
    coding("kelvin-sign-upper", "Transfer-Encoding: CHUN\u212aED".encode()),
    coding("long-s", "Transfer-Encoding: chunked\u017f".encode()),
    coding("space-before-colon", b"Transfer-Encoding : chunked"),
    coding("tab-before-colon", b"Transfer-Encoding\t: chunked"),
    coding("folded", b"Transfer-Encoding:\r\n chunked"),
    coding("behind-folded", b"X-Odd: y\r\n Transfer-Encoding: chunked"),
    coding("bare-line-feed", b"X-Odd: y\nTransfer-Encoding: chunked"),
    coding("bare-carriage-return", b"X-Odd: y\rTransfer-Encoding: chunked"),
    passes("coding-capitals", b"TRANSFER-ENCODING: ChunKed", method=b"POST", body=CHUNKED,
           arrives=b"abc"),
    passes("coding-padded", b"Transfer-Encoding:\t chunked \t", method=b"POST", body=CHUNKED,
           arrives=b"abc"),
    refused("coding-of-1.0", request(CODING, method=b"POST", version=b"HTTP/1.0", body=CHUNKED)),
    Row(id="coding-with-underscore", sent=(post(b"Transfer_Encoding: chunked", LENGTH % 13,
        body=CHUNKED),), got=(200,), arrived=(Arrived("POST", body=CHUNKED),)),
    passes("length-with-underscore", b"Content_Length: 400", LENGTH % 3, method=b"POST",
           body=b"abc", has={"content-length": ("3",), "content_length": ()}),
    passes("length-with-underscore-alone", b"Content_Length: 400",
           has={"content-length": (), "content_length": ()}),
    refused("chunks-too-large",
        post(CODING, body=b"%x\r\n%b" % (4_100_000, b"a" * 4_100_000)), status=413),
    chunks("no-size", b"\r\nabc\r\n0\r\n\r\n"),
    chunks("minus", b"-3\r\nabc\r\n0\r\n\r\n"),
    chunks("plus", b"+3\r\nabc\r\n0\r\n\r\n"),
    chunks("prefix", b"0x3\r\nabc\r\n0\r\n\r\n"),
    chunks("space-before", b" 3\r\nabc\r\n0\r\n\r\n"),
    chunks("underscore", b"0_3\r\nabc\r\n0\r\n\r\n"),
    chunks("no-hex", b"g\r\nabc\r\n0\r\n\r\n"),
    chunks("wide-digit", "\uff13\r\nabc\r\n0\r\n\r\n".encode()),
    chunks("beyond-64-bits", b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    chunks("line-feed-behind-size", b"3\nabc\r\n0\r\n\r\n"),
    chunks("carriage-return-behind-size", b"3\rabc\r\n0\r\n\r\n"),
    chunks("two-carriage-returns", b"3\r\r\nabc\r\n0\r\n\r\n"),
    chunks("line-feed-in-extension", b"3;a\nabc\r\n0\r\n\r\n"),
    chunks("null-in-extension", b"3;a=\x00\r\nabc\r\n0\r\n\r\n"),
    chunks("line-feed-behind-content", b"3\r\nabc\n0\r\n\r\n"),
    chunks("too-much-content", b"3\r\nabcd\r\n0\r\n\r\n"),
    chunks("line-feed-at-the-end", b"3\r\nabc\r\n0\n\n"),
    chunks("broken-trailer", b"3\r\nabc\r\n0\r\nX : y\r\n\r\n"),
    chunks("trailer-with-line-feed", b"3\r\nabc\r\n0\r\nX: y\n\r\n"),
    chunks("endless-extension", b"3;" + b"a" * 9000 + b"\r\nabc\r\n0\r\n\r\n"),
    chunks("endless-trailers", b"3\r\nabc\r\n0\r\n", b"X-T: y\r\n" * 3000, b"\r\n"),
    passes("chunks-zeros-before", CODING, method=b"POST", body=b"0003\r\nabc\r\n000\r\n\r\n",
           arrives=b"abc"),
    passes("chunks-extension", CODING, method=b"POST", body=b'3;a="b;c";d\r\nabc\r\n0;x\r\n\r\n',
           arrives=b"abc"),
    passes("chunks-many", CODING, method=b"POST", body=b"1\r\nx\r\n" * 500 + b"0\r\n\r\n",
           arrives=b"x" * 500),
    passes("chunks-like-a-request", CODING, method=b"POST",
           body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN.replace(b"<echo>", b"/nobody")),
                                             HIDDEN.replace(b"<echo>", b"/nobody")),
           arrives=HIDDEN.replace(b"<echo>", b"/nobody")),
    passes("trailers", CODING, b"Trailer: X-T", method=b"POST",
           body=b"3\r\nabc\r\n0\r\nX-T: y\r\nAuthorization: Bearer evil\r\n"
                b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
           arrives=b"abc", has={"x-t": (), "authorization": ()}),
)  # fmt: skip

LINES = (
    refused("line-feeds-only", request().replace(b"\r\n", b"\n"), HIDDEN),
    refused("line-feed-behind-request-line", b"GET <echo> HTTP/1.1\nHost: gateway\r\n\r\n", HIDDEN),
    refused("line-feed-at-the-end", b"GET <echo> HTTP/1.1\r\nHost: gateway\r\n\n", HIDDEN),
    refused("carriage-return-in-value", request(b"X-Odd: a\rb"), HIDDEN),
    refused("null-in-value", request(b"X-Odd: a\x00b"), HIDDEN),
    refused("control-in-value", request(b"X-Odd: a\x08b"), HIDDEN),
    refused("null-in-name", request(b"X-\x00Odd: a"), HIDDEN),
    refused("space-in-name", request(b"X Odd: a"), HIDDEN),
    refused("byte-in-name", request(b"X-\xc3\xb6dd: a"), HIDDEN),
    refused("no-name", request(b": a"), HIDDEN),
    refused("no-colon", request(b"X-Odd"), HIDDEN),
    refused("folded", request(b"X-Odd: a\r\n b"), HIDDEN),
    refused("folded-first", b"GET <echo> HTTP/1.1\r\n Host: gateway\r\n\r\n", HIDDEN),
    refused("space-before-name", b"GET <echo> HTTP/1.1\r\n X: y\r\nHost: gateway\r\n\r\n", HIDDEN),
    Row(id="empty-line-before", sent=(b"\r\n" + request(),), got=(200,), arrived=(Arrived(),)),
    refused("empty-lines-before", b"\r\n\r\n\r\n" + request(), HIDDEN),
    refused("http-0.9", b"GET <echo>\r\n\r\n", HIDDEN),
    refused("http-1.2", request(version=b"HTTP/1.2"), HIDDEN),
    refused("http-1.10", request(version=b"HTTP/1.10"), HIDDEN),
    refused("http-2.0", request(version=b"HTTP/2.0"), HIDDEN),
    refused("http-2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HIDDEN),
    refused("http-in-small-letters", request(version=b"http/1.1"), HIDDEN),
    refused("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    refused("method-in-small-letters", request(method=b"get"), HIDDEN),
    refused("method-connect", request(method=b"CONNECT", target=b"gateway:80"), HIDDEN),
    refused("method-too-long", request(method=b"A" * 5000), HIDDEN),
    refused("two-spaces", b"GET  <echo> HTTP/1.1\r\nHost: gateway\r\n\r\n", HIDDEN),
    refused("tab-for-space", b"GET\t<echo>\tHTTP/1.1\r\nHost: gateway\r\n\r\n", HIDDEN),
    refused("space-in-target", request(target=b"<echo>/a b"), HIDDEN),
    refused("space-behind-version", b"GET <echo> HTTP/1.1 \r\nHost: gateway\r\n\r\n", HIDDEN),
    refused("byte-in-target", request(target=b"<echo>/\xc3\xb6"), HIDDEN),
    refused("null-in-target", request(target=b"<echo>/\x00"), HIDDEN),
    refused("no-host", request(host=b""), HIDDEN),
    refused("two-hosts", request(b"Host: other"), HIDDEN),
    refused("same-host-twice", request(b"Host: gateway"), HIDDEN),
    refused("host-with-a-slash", request(host=b"Host: gateway/evil"), HIDDEN),
    refused("host-with-a-user", request(host=b"Host: evil@gateway"), HIDDEN),
    refused("host-with-a-space", request(host=b"Host: gateway evil"), HIDDEN),
    refused("host-with-a-byte", request(host="Host: g\u00e4teway".encode()), HIDDEN),
    passes("host-with-a-port", host=b"Host: gateway:8080",
           has={"x-forwarded-host": ("gateway:8080",)}),
    passes("host-empty", host=b"Host:"),
    passes("value-of-bytes", b"X-Odd: \xc3\xb6\xff", has={"x-odd": ("\u00c3\u00b6\u00ff",)}),
    passes("value-empty", b"X-Odd:", has={"x-odd": ()}),
    refused("too-long-target", request(target=b"<echo>?" + b"a" * 9000), status=414),
    refused("too-large-head", request(b"X-Odd: " + b"a" * 33_000), status=431),
    refused("too-many-lines", request(*[b"X-Odd: a"] * 101), status=431),
)  # fmt: skip

PATHS = (
    path("escaped-slash", b"<echo>%2Fb"),
    path("escaped-slash-small", b"<echo>%2fb"),
    path("escaped-backslash", b"<echo>%5Cb"),
    path("backslash", b"<echo>\\b"),
    path("semicolon", b"<echo>;jsessionid=1"),
    path("escaped-dots", b"<echo>/%2e%2e/b"),
    path("escaped-letter", b"<echo>/%61"),
    path("escaped-escape", b"<echo>/%252e"),
    path("dots", b"<echo>/../b"),
    path("dots-at-the-end", b"<echo>/.."),
    path("dot", b"<echo>/./b"),
    path("dots-with-parameter", b"<echo>/..;/b"),
    path("two-slashes", b"<echo>//b"),
    path("slashes-first", b"/<echo>"),
    path("null", b"<echo>/%00"),
    path("line-break", b"<echo>/%0d%0aX-Odd:%20evil"),
    path("broken-escape", b"<echo>/%zz"),
    path("cut-escape", b"<echo>/%4"),
    path("overlong-slash", b"<echo>/%c0%af"),
    path("no-utf-8", b"<echo>/%ff"),
    path("fragment", b"<echo>#b"),
    path("fragment-in-query", b"<echo>?a#b"),
    path("none", b"?a"),
    path("asterisk", b"*"),
    path("relative", b"echo"),
    path("absolute", b"http://gateway<echo>"),
    path("absolute-elsewhere", b"http://evil.example<echo>"),
    path("absolute-other-scheme", b"file://<echo>"),
    path("too-long", b"<echo>/" + b"a" * 2100),
    path("bracket", b"<echo>/[b]"),
    path("quote", b'<echo>/"b"'),
    path("brace", b"<echo>/{b}"),
    declined("path-elsewhere", request(target=b"/nowhere"), 404),
    declined("path-prefix-only", request(target=b"/nodes"), 404),
    declined("path-in-capitals", request(target=b"/NODE/echo"), 404),
    passes("path-of-odd-letters", target=b"<echo>/~a.b-c_d!$&'()*+,=:@/%C3%B6%20"),
    passes("path-with-slash-behind", target=b"<echo>/"),
    passes("query-of-odd-letters",
           target=b"<echo>?a=b%2Fc&d=../..//;e=%00%0d%0a&&=?/\\|^`{}[]<>\"'"),
    Row(id="query-empty", sent=(request(target=b"<echo>?"),), got=(200,), arrived=(Arrived(),)),
    passes("query-long", target=b"<echo>?" + b"a" * 8000),
)  # fmt: skip

PERSONAL = {"cookie": ("a=b",)}
HEADERS = (
    passes("connection-names-headers", b"Connection: X-Odd, keep-alive", b"X-Odd: a",
           b"Keep-Alive: timeout=9", has={"x-odd": ()}),
    passes("connection-names-the-length", b"Connection: content-length", LENGTH % 3,
           method=b"POST", body=b"abc", has={"content-length": ("3",)}),
    passes("connection-names-the-coding", b"Connection: transfer-encoding", CODING,
           method=b"POST", body=CHUNKED, arrives=b"abc"),
    passes("connection-names-the-host", b"Connection: host, x-forwarded-for, x-request-id",
           has={"x-forwarded-host": ("gateway",)}),
    passes("connection-names-the-encoding", b"Connection: content-encoding",
           b"Content-Encoding: gzip", LENGTH % 3, method=b"POST", body=b"abc",
           has={"content-encoding": ()}),
    passes("connection-names-cookies", b"Connection: cookie", b"Cookie: a=b"),
    passes("hop-by-hop", b"TE: trailers, gzip", b"Trailer: X-T", b"Upgrade: h2c",
           b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", b"Keep-Alive: 300",
           b"Proxy-Connection: keep-alive", b"Proxy-Authorization: Basic ZXZpbDpldmls",
           b"Connection: Upgrade, HTTP2-Settings", has={"http2-settings": ()}),
    passes("upgrade-to-websocket-where-there-is-none", b"Connection: Upgrade",
           b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    passes("upgrade-with-a-body", b"Connection: Upgrade", b"Upgrade: websocket", LENGTH % 3,
           method=b"POST", body=b"abc"),
    passes("upgrade-h2c", b"Connection: Upgrade", b"Upgrade: h2c"),
    passes("proxy", b"Proxy: http://evil.example", has={"proxy": ()}),
    passes("names-with-underscores", b"X_Odd: evil", b"X_Forwarded_For: 6.6.6.6",
           b"X_Auth_User: evil", b"_: evil", b"Remote_User: evil", b"Authorization_: evil",
           has={"x-odd": (), "x_odd": (), "remote_user": (), "remote-user": (), "_": (), "-": ()}),
    passes("names-of-odd-letters", b"X!#$%&'*+.^`|~: a"),
    passes("forged", b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-Host: evil", b"X-Real-IP: 6.6.6.6",
           b"X-Forwarded-Proto: evil", b"Forwarded: for=6.6.6.6", b"X-Auth-User: evil",
           b"X-Rewrite-URL: /evil", b"X-Original-URL: /evil", b"X-HTTP-Method-Override: DELETE",
           has={"x-forwarded-host": ("gateway",), "x-forwarded-proto": ("http",)}),
    passes("forged-twice", b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-For: 7.7.7.7, 127.0.0.1",
           b"X-Forwarded-Host: evil", b"X-Forwarded-Host: evil",
           has={"x-forwarded-host": ("gateway",), "x-forwarded-proto": ("http",)}),
    passes("twice", b"X-Odd: a", b"x-odd: b", b"X-ODD: c"),
    passes("authorization-twice", b"Authorization: Basic YTpi", b"Authorization: Bearer evil"),
    passes("basic-beside-a-cookie", b"Authorization: Basic YTpi", b"Cookie: a=b", has=PERSONAL),
    passes("length-twice-in-names", b"Content-Length-: 9", b"Content-Lengt: 9"),
    passes("cookies-two-of-the-session", b"Cookie: _barong_session=x; a=b; _barong_session=y",
           has=PERSONAL),
    passes("cookies-two-lines", b"Cookie: _barong_session=x; a=b", b"Cookie: _barong_session=y",
           has=PERSONAL),
    passes("cookies-no-space", b"Cookie: _barong_session=x;a=b;_barong_session=y", has=PERSONAL),
    passes("cookies-padded", b"Cookie:  _barong_session = x ; a=b", has=PERSONAL),
    passes("cookies-quoted", b'Cookie: _barong_session="x"; a=b', has=PERSONAL),
    passes("cookies-tab", b"Cookie: a=b;\t_barong_session=x", has=PERSONAL),
    passes("cookies-comma", b"Cookie: a=b, _barong_session=x"),
    passes("cookies-odd", b'Cookie: ;; $Version=1; =; a; b=="c; d"; \xff=\xc3\xb6; a[]=1;'),
    passes("cookies-session-in-capitals", b"Cookie: _BARONG_SESSION=x; a=b"),
    passes("cookies-9-kb", b"Cookie: a=" + b"b" * 9000, has={"cookie": ("a=" + "b" * 9000,)}),
    passes("referer-9-kb", b"Referer: http://a/" + b"b" * 9000,
           has={"referer": ("http://a/" + "b" * 9000,)}),
    passes("header-9-kb", b"X-Odd: " + b"b" * 9000, has={"x-odd": ("b" * 9000,)}),
    passes("headers-31-kb", *(b"X-Odd: " + b"b" * 7900 for _ in range(4)),
           has={"x-odd": ("b" * 7900,) * 4}, only=frozenset({"go", "uvicorn"})),
    passes("range", b"Range: bytes=0-1,1-2,2-3", b"If-Range: x"),
    passes("expect-another", b"Expect: 200-ok", LENGTH % 3, method=b"POST", body=b"abc",
           has={"expect": ()}),
)  # fmt: skip

METHODS = (
    passes("head", method=b"HEAD"),
    passes("options", method=b"OPTIONS"),
    passes("put", LENGTH % 3, method=b"PUT", body=b"abc"),
    passes("patch", CODING, method=b"PATCH", body=CHUNKED, arrives=b"abc"),
    passes("delete-with-a-body", LENGTH % 3, method=b"DELETE", body=b"abc"),
    passes("trace", method=b"TRACE", but={"nginx": 405}),
    passes("unknown-method", method=b"PROPFIND"),
    passes("head-with-a-body", LENGTH % 3, method=b"HEAD", body=b"abc"),
    passes("head-chunked", CODING, method=b"HEAD", body=CHUNKED, arrives=b"abc"),
    passes("head-of-a-page", method=b"HEAD", target=b"<page>?" + EVIL_IN_QUERY,
           only=ALL - {"nginx"}),
    passes("get-a-page", target=b"<page>?" + EVIL_IN_QUERY, only=ALL - {"nginx"}),
    passes("204", target=b"<204>/?" + EVIL_IN_QUERY, status=204),
    passes("304", target=b"<304>/?" + EVIL_IN_QUERY, status=304),
    passes("204-to-a-post", LENGTH % 3, method=b"POST", target=b"<204>/?" + EVIL_IN_QUERY,
           body=b"abc", status=204, only=ALL - {"nginx"}),
    passes("304-to-a-head", method=b"HEAD", target=b"<304>/?" + EVIL_IN_QUERY, status=304),
    passes("early-hints", target=b"<hints>", only=frozenset({"node", "go", "gunicorn"})),
    passes("early-hints-to-a-head", method=b"HEAD", target=b"<hints>",
           only=frozenset({"node", "go"})),
    passes("answer-with-trailers", target=b"<trailers>", only=frozenset({"node", "go"})),
    Row(id="early-answer", sent=(request(LENGTH % 3, method=b"POST", target=b"<early>/",
        body=b"abc"),), got=(200,), arrived=(Arrived("POST", b"<early>/"),), ends=None),
    Row(id="early-answer-to-much", sent=(request(LENGTH % 3_000_000, method=b"POST",
        target=b"<early>/", body=b"x" * 3_000_000),), got=(200,),
        arrived=(Arrived("POST", b"<early>/"),), ends=None),
    Row(id="early-answer-before-the-end", sent=(request(LENGTH % 3_000_000, method=b"POST",
        target=b"<early>/", body=b"x" * 300_000),), got=(200,),
        arrived=(Arrived("POST", b"<early>/"),),
        ends=None, alone=True),
    Row(id="early-answer-before-the-last-chunk", sent=(request(CODING, method=b"POST",
        target=b"<early>/", body=b"300000\r\n" + b"x" * 300_000),), got=(200,),
        arrived=(Arrived("POST", b"<early>/"),), ends=None, alone=True, only=ALL - {"go"}),
    passes("answer-of-3-mb", target=b"<big>"),
    passes("answer-that-closes", target=b"<close>"),
)  # fmt: skip

LINE_FEEDS = b'--a b\nContent-Disposition: form-data; name="x"\n\ny\n--a b--\r\n'
BIG = bytes(range(256)) * 4000
CODED = (
    passes("body-of-1-mb", LENGTH % len(BIG), method=b"POST", body=BIG),
    passes("body-of-1-mb-in-chunks", CODING, method=b"PUT", body=b"".join(
        b"%x\r\n%b\r\n" % (len(part), part)
        for part in (BIG[at : at + 7001] for at in range(0, len(BIG), 7001))) + b"0\r\n\r\n",
        arrives=BIG),
    refused("body-too-large", post(LENGTH % 4_000_001), status=413),
    passes("body-of-gzip", b"Content-Encoding: gzip", LENGTH % len(gzip.compress(b"abc", mtime=0)),
           method=b"POST", body=gzip.compress(b"abc", mtime=0),
           has={"content-encoding": ("gzip",)}),
    passes("body-of-brotli", b"Content-Encoding: br", LENGTH % 7, method=b"POST",
           body=b"\x0b\x01\x80abc\x03", has={"content-encoding": ("br",)}),
    passes("body-of-zstd", b"Content-Encoding: zstd", LENGTH % 12, method=b"POST",
           body=b"\x28\xb5\x2f\xfd\x20\x03\x19\x00\x00abc", has={"content-encoding": ("zstd",)}),
    passes("body-of-multipart", b'Content-Type: multipart/form-data; boundary="a b"',
           LENGTH % len(LINE_FEEDS), method=b"POST", body=LINE_FEEDS),
)  # fmt: skip


def pipelined(id_: str, *requests: tuple[bytes, Arrived], ends: bool = False) -> Row:
    """Several requests at once."""
    sent = b"".join(each for each, _ in requests)
    arrived = [each for _, each in requests]
    return Row(id=id_, sent=(sent,), got=[200] * len(arrived), arrived=arrived, ends=ends)


def numbered(number: int, method: bytes = b"GET") -> tuple[bytes, Arrived]:
    """One of several."""
    target = b"<echo>/%d" % number
    return request(method=method, target=target), Arrived(method.decode(), target)


A_POST = (
    post(LENGTH % 3, body=b"abc"),
    Arrived("POST", body=b"abc"),
)
A_CHUNKED_POST = (
    post(CODING, body=CHUNKED),
    Arrived("POST", body=b"abc"),
)
OLD, OLD_KEPT = b"HTTP/1.0", b"Connection: keep-alive"
CONNECTIONS = (
    pipelined("pipelined", *(numbered(each) for each in range(10))),
    pipelined("pipelined-heads", numbered(1, b"HEAD"), numbered(2), numbered(3, b"HEAD")),
    pipelined("pipelined-bodies", A_POST, A_CHUNKED_POST, numbered(1), A_POST, A_CHUNKED_POST),
    Row(id="pipelined-behind-a-close", sent=(request(b"Connection: close") + HIDDEN,), got=(200,),
        arrived=(Arrived(),), ends=True),
    Row(id="pipelined-before-a-broken-one", sent=(request() + request(b"X Odd: a") + HIDDEN,),
        got=(200, 400), arrived=(Arrived(),), ends=True),
    Row(id="pipelined-head-and-a-broken-one",
        sent=(request(method=b"HEAD") + request(b"X Odd: a") + HIDDEN,),
        got=(200, 400), arrived=(Arrived("HEAD"),), ends=True),
    Row(id="more-than-the-length", sent=(post(LENGTH % 1, body=b"abc") + HIDDEN,), got=(200, 400),
        arrived=(Arrived("POST", body=b"a"),), ends=True),
    Row(id="pipelined-behind-a-page", sent=(
        request(method=b"HEAD", target=b"<page>?" + EVIL_IN_QUERY) + HIDDEN.replace(b"hid", b"h"),),
        got=(200, 200), arrived=(Arrived("HEAD", b"<page>?" + EVIL_IN_QUERY),
        Arrived(target=b"<echo>/hden")), only=ALL - {"nginx"}),
    Row(id="http-1.0", sent=(request(version=OLD),), got=(200,), arrived=(Arrived(),), ends=True),
    Row(id="http-1.0-without-host", sent=(request(version=OLD, host=b""),), got=(200,),
        arrived=(Arrived(),), ends=True),
    Row(id="http-1.0-kept", sent=(request(OLD_KEPT, version=OLD),), got=(200,),
        arrived=(Arrived(),)),
    Row(id="http-1.0-kept-post", sent=(request(OLD_KEPT, LENGTH % 3, method=b"POST", version=OLD,
        body=b"abc"),), got=(200,), arrived=(Arrived("POST", body=b"abc"),)),
    Row(id="http-1.0-early-hints", sent=(request(version=OLD, target=b"<hints>"),), got=(200,),
        arrived=(Arrived(target=b"<hints>"),), ends=True, only=frozenset({"node", "go"})),
    Row(id="http-1.0-trailers", sent=(request(OLD_KEPT, version=OLD, target=b"<trailers>"),),
        got=(200,), arrived=(Arrived(target=b"<trailers>"),), ends=True,
        only=frozenset({"node", "go"})),
    Row(id="expect-and-wait", sent=(post(b"Expect: 100-continue", LENGTH % 3), b"abc"), got=(200,),
        arrived=(Arrived("POST", body=b"abc", has={"expect": ()}),)),
    Row(id="expect-in-capitals", sent=(post(b"EXPECT: 100-Continue", CODING), CHUNKED), got=(200,),
        arrived=(Arrived("POST", body=b"abc", has={"expect": ()}),)),
    Row(id="expect-and-send-at-once",
        sent=(post(b"Expect: 100-continue", LENGTH % 3, body=b"abc"),), got=(200,),
        arrived=(Arrived("POST", body=b"abc", has={"expect": ()}),)),
    Row(id="expect-without-a-body", sent=(request(b"Expect: 100-continue"),), got=(200,),
        arrived=(Arrived(has={"expect": ()}),)),
    Row(id="expect-of-nothing", sent=(post(b"Expect: 100-continue", LENGTH % 0),), got=(200,),
        arrived=(Arrived("POST", has={"expect": ()}),)),
    Row(id="expect-of-1.0", sent=(request(b"Expect: 100-continue", LENGTH % 3, method=b"POST",
        version=OLD, body=b"abc"),), got=(200,), arrived=(Arrived("POST", body=b"abc"),),
        ends=True),
    Row(id="expect-too-much", sent=(post(b"Expect: 100-continue", LENGTH % 5_000_000),),
        got=(413,), arrived=(), ends=True),
)  # fmt: skip

ROWS = (*FRAMING, *LINES, *PATHS, *HEADERS, *METHODS, *CODED, *CONNECTIONS)
