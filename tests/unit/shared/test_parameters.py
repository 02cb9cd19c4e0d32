"""Parameters as a real application reads them, whatever is sent."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from shared.declared import declared
from shared.web.answers import answer
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Integer, Text
from shared.web.metrics import Registry
from shared.web.operations import operation
from shared.web.routes import ANYONE, Route
from tests.support.waiting import until
from tests.unit.shared.builders import raw, sent, served

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
MULTIPART = b"multipart/form-data; boundary=B"
DISPOSED = b'Content-Disposition: form-data; name="other"'
BASE64 = b"Content-Transfer-Encoding: base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A form with a parameter for each place."""

    id: str | None = declared(Text(), None)
    name: str = declared(Text(missing=["missing_name", "empty_name"], empty="empty_name"), "")
    size: int | None = declared(Integer(maximum=9, range_code="invalid_size"), None)


async def echo(_request: web.Request, form: Thing) -> web.Response:
    return answer({"id": form.id, "name": form.name, "size": form.size})


ROUTES = (
    Route("GET", "/things", ANYONE, echo),
    Route("POST", "/things", ANYONE, echo),
    Route("PUT", "/things", ANYONE, operation(missing_is_400=True)(echo)),
    Route("PUT", "/things/{id}", ANYONE, echo),
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


@pytest.fixture(scope="module")
async def address(registry: Registry) -> AsyncIterator[str]:
    async with served(ROUTES, prefix="/api", registry=registry) as made:
        yield made


async def post(
    address: str,
    content_type: bytes | None,
    body: bytes,
    target: bytes = b"/api/things",
    method: str = "POST",
    headers: Mapping[str, bytes] | None = None,
) -> tuple[int, Any]:
    """Status and what the answer says, `errors` or the record."""
    typed = {} if content_type is None else {"Content-Type": content_type}
    status, text = await sent(address, raw(method, target, {**typed, **(headers or {})}, body))
    said = json.loads(text)
    return status, said.get("errors", said) if status >= 400 else said


def part(content: bytes, disposition: bytes = b'form-data; name="name"') -> bytes:
    return b"--B\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + content + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--B--\r\n"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"name=a+%C3%A9"),
        (FORM + b"; charset=utf-8", b"name=a%20%c3%a9"),
        (b"Application/X-WWW-Form-Urlencoded", b"other[]=1&name=a+%C3%A9&&"),
        (MULTIPART, multipart(part("a é".encode()))),
        (b'Multipart/Form-Data; boundary="B"', b"preamble\r\n" + multipart(part("a é".encode()))),
        (JSON, '{"name": "a é"}'.encode()),
        (JSON, b'{"name": "a \\u00e9", "other": [[{"deep": null}]]}'),
        (b"Application/JSON; charset=latin-1", '{"name": "a é"}'.encode()),
    ],
)
async def test_a_body_is_read_as_its_content_type_says(
    address: str, content_type: bytes, body: bytes
) -> None:
    assert await post(address, content_type, body) == (
        200,
        {"id": None, "name": "a é", "size": None},
    )


async def test_the_path_wins_over_the_body_and_the_body_over_the_query(address: str) -> None:
    body, target = b'{"id": "b", "name": "b"}', b"/api/things/p?id=q&name=q&size=3"

    status, said = await post(address, JSON, body, target, "PUT")

    assert (status, said) == (200, {"id": "p", "name": "b", "size": 3})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (None, b"name=a"),
        (b"", b"name=a"),
        (b"text/plain", b"name=a"),
        (b"application/octet-stream", b"name=a"),
        (b"application/xml", b"<name>a</name>"),
        (b"application/json, text/plain", b'{"name": "a"}'),
        (b"application/problem+json", b'{"name": "a"}'),
        (b"multipart/mixed; boundary=B", multipart(part(b"a"))),
        (b"json", b'{"name": "a"}'),
        (b"\xff\xfe;;;=", b"name=a"),
        ("\u00a0application/json".encode(), b'{"name": "a"}'),
        ("application/json\u2003; charset=utf-8".encode(), b'{"name": "a"}'),
    ],
)
async def test_another_content_type_is_not_read(
    address: str, content_type: bytes | None, body: bytes
) -> None:
    assert await post(address, content_type, body) == (415, ["request.unsupported_media_type"])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"name=%ff"),
        (FORM, b"name=\xff"),
        (FORM, b"name=a%00"),
        (FORM, b"name=a&other=%00"),
        (FORM, b"na%00me=a"),
        (FORM, b"other[]=%00&name=a"),
        (FORM, b"name=%ed%a0%80"),
        (FORM, b"&".join(b"a%d=1" % number for number in range(201))),
        (JSON, b"name=a"),
        (JSON, b" "),
        (JSON, b'{"name": "a"'),
        (JSON, b'{"name": "a"}{}'),
        (JSON, b'["name"]'),
        (JSON, b'"name"'),
        (JSON, b"null"),
        (JSON, b'{"name": "\xff"}'),
        (JSON, b'\xef\xbb\xbf{"name": "a"}'),
        (JSON, '{"name": "a"}'.encode("utf-16")),
        (JSON, b'{"name": "\\u0000"}'),
        (JSON, b'{"name": "a", "\\u0000": 1}'),
        (JSON, b'{"name": "\\ud800"}'),
        (JSON, b'{"name": "a", "other": {"deep": ["\\udfff"]}}'),
        (JSON, b'{"name": NaN}'),
        (JSON, b'{"name": "a", "other": [-Infinity]}'),
        (JSON, b'{"name": ' + b"1" * 5000 + b"}"),
        (JSON, b'{"name": "a", "other": ' + b"[" * 40 + b"]" * 40 + b"}"),
        (JSON, b'{"name": ' + b"[" * 100_000),
        (JSON, b'{"name": ' * 20_000),
        (MULTIPART, b"name=a"),
        (MULTIPART, part(b"a")),
        (MULTIPART, multipart(part(b"\xff"))),
        (MULTIPART, multipart(part(b"a\x00"))),
        (MULTIPART, multipart(part(b"a", b'form-data; name="\xff"'))),
        (MULTIPART, multipart(part(b"a", b"form-data"))),
        (MULTIPART, multipart(part(b"a", b'form-data; name=""'))),
        (MULTIPART, multipart(part(b"a", b"form-data; name*=utf-8''name"))),
        (MULTIPART, multipart(part(b"a", b"form-data; name=a; name*=utf-8''name"))),
        (MULTIPART, multipart(part(b"a", b'form-data; name="a"; name="name"'))),
        (MULTIPART, multipart(part(b"a", b'form-data; name="name"\r\n' + DISPOSED))),
        (MULTIPART, multipart(part(b"YQ==", b'form-data; name="name"\r\n' + BASE64))),
        (MULTIPART, multipart(part(b"a", b'form-data; name="name"\r\nContent-Encoding: gzip'))),
        (MULTIPART, b"\r\n" * 10_000 + multipart(part(b"a"))),
        (MULTIPART + b"; boundary=C", multipart(part(b"a"))),
        (JSON + b"\r\nContent-Type: " + FORM, b'{"name": "a"}'),
        (MULTIPART, multipart(b"--B\r\n\r\na\r\n")),
        (MULTIPART, multipart(b"--B\r\nno header\r\n\r\na\r\n")),
        (MULTIPART, multipart(b"--B\r\nA: " + b"x" * 20_000 + b"\r\n\r\na\r\n")),
        (MULTIPART, multipart(b"--B\r\n" + b"A: x\r\n" * 200 + b"\r\na\r\n")),
        (MULTIPART, multipart(b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n")),
        (MULTIPART, multipart(part(b"x" * 40, b'form-data; name="_charset_"'), part(b"a"))),
        (MULTIPART, multipart(part(b"\xff", b'form-data; name="_charset_"'), part(b"a"))),
        (MULTIPART, b"x" * 200_000),
        (MULTIPART, multipart(*(part(b"", b'form-data; name="a"') for _ in range(201)))),
        (b"multipart/form-data", multipart(part(b"a"))),
        (b"multipart/form-data; boundary=", multipart(part(b"a"))),
        (b'multipart/form-data; boundary="\xff"', multipart(part(b"a"))),
        (b"multipart/form-data; boundary=" + b"B" * 71, multipart(part(b"a"))),
    ],
)
async def test_a_body_that_is_not_what_it_says_is_malformed(
    address: str, content_type: bytes, body: bytes
) -> None:
    assert await post(address, content_type, body) == (400, ["request.malformed"])


@pytest.mark.parametrize(
    "query", [b"name=%ff", b"name=a%00", b"n%00=a", b"name=%ed%a0%80", b"a=1&" * 201]
)
async def test_a_query_that_is_no_text_is_malformed(address: str, query: bytes) -> None:
    status, body = await sent(address, raw("GET", b"/api/things?" + query))

    assert (status, json.loads(body)) == (400, {"errors": ["request.malformed"]})


async def test_a_nul_in_the_path_is_malformed(address: str) -> None:
    answered = await post(address, JSON, b'{"name": "a"}', b"/api/things/%00", "PUT")

    assert answered == (400, ["request.malformed"])


@pytest.mark.parametrize(
    ("content_type", "filled"),
    [(FORM, b"other=%s"), (JSON, b'{"other": "%s"}'), (MULTIPART, multipart(part(b"%s")))],
)
async def test_a_body_has_a_limit(address: str, content_type: bytes, filled: bytes) -> None:
    fits = filled % (b"x" * (MAX_BODY_BYTES - len(filled)))

    assert (await post(address, content_type, fits))[0] == 422
    assert await post(address, content_type, filled % (b"x" * (MAX_BODY_BYTES + 1))) == (
        413,
        ["request.too_large"],
    )


async def test_the_parts_of_a_body_share_its_limit(address: str) -> None:
    halves = [part(b"x" * (MAX_BODY_BYTES // 2 + 1), b'form-data; name="%d"' % n) for n in (1, 2)]

    assert (await post(address, MULTIPART, multipart(halves[0])))[0] == 422
    padded = b"x\r\n" * (MAX_BODY_BYTES // 3) + multipart(part(b"a"))
    assert await post(address, MULTIPART, padded) == (413, ["request.too_large"])
    assert await post(address, MULTIPART, multipart(*halves)) == (413, ["request.too_large"])


@pytest.mark.parametrize(
    "encoding",
    [
        *(b"gzip", b"GZIP", b"deflate", b"br", b"zstd", b"compress", b"x", b"\xff"),
        *(b"gzip, identity", b"identity, gzip", b"identity,,gzip"),
        *(b"identity\r\nContent-Encoding: gzip", b"gzip\r\nContent-Encoding: identity"),
    ],
)
@pytest.mark.parametrize("content_type", [FORM, JSON, MULTIPART, b"text/plain"])
async def test_an_encoded_body_is_refused(
    address: str, encoding: bytes, content_type: bytes
) -> None:
    body = gzip.compress(b"name=a")

    answered = await post(address, content_type, body, headers={"Content-Encoding": encoding})

    assert answered == (415, ["request.unsupported_encoding"])


@pytest.mark.parametrize("encoding", [b"", b"identity", b"Identity , identity"])
async def test_identity_is_no_encoding(address: str, encoding: bytes) -> None:
    status, said = await post(address, FORM, b"name=a", headers={"Content-Encoding": encoding})

    assert (status, said["name"]) == (200, "a")


async def test_who_has_no_body_has_none_that_is_encoded(address: str) -> None:
    request = raw("GET", b"/api/things?name=a", {"Content-Encoding": b"gzip"})

    assert (await sent(address, request))[0] == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_an_encoded_body_is_refused_before_it_comes(address: str, encoding: str) -> None:
    headers = {"Content-Type": FORM.decode(), "Content-Encoding": encoding}
    never = asyncio.Event()

    async def bytes_that_never_come() -> AsyncIterator[bytes]:
        yield b"\x1f\x8b\x08\x00"
        await never.wait()

    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{address}/api/things", data=bytes_that_never_come()) as response,
    ):
        assert response.status == 415
        assert response.headers["Accept-Encoding"] == "identity"
        never.set()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "a"}, (200, {"id": None, "name": "a", "size": None})),
        ({"name": ["a"]}, (422, ["invalid"])),
        ({"name": {"a": "b"}}, (422, ["invalid"])),
        ({"name": True}, (422, ["invalid"])),
        ({"name": 5, "size": "5"}, (200, {"id": None, "name": "5", "size": 5})),
        ({"name": "a", "size": 10}, (422, ["invalid_size"])),
        ({"name": None, "size": "x"}, (422, ["empty_name", "invalid"])),
        ({"size": 10}, (422, ["missing_name", "empty_name", "invalid_size"])),
        ({}, (422, ["missing_name", "empty_name"])),
    ],
)
async def test_all_faults_come_in_one_list(
    address: str, body: Mapping[str, object], expected: object
) -> None:
    assert await post(address, JSON, json.dumps(body).encode()) == expected


@pytest.mark.parametrize(
    ("body", "status", "codes"),
    [
        (b"", 400, ["missing_name", "empty_name"]),
        (b"name=", 400, ["empty_name"]),
        (b"name=+%09", 400, ["empty_name"]),
        (b"size=10", 400, ["missing_name", "empty_name", "invalid_size"]),
        (b"name=a&size=10", 422, ["invalid_size"]),
        (b"name[]=a", 422, ["invalid"]),
    ],
)
async def test_where_absence_is_told_apart_it_is_a_bad_request(
    address: str, body: bytes, status: int, codes: list[str]
) -> None:
    assert await post(address, FORM, body, method="PUT") == (status, codes)
    assert await post(address, FORM, body) == (422, codes)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"name=a&name=b", "b"),
        (b"name[]=a&name=b", "b"),
        (b"name=b&name[]=a", "b"),
        (b"name[]=a", ["invalid"]),
        (b"name[x]=a", ["invalid"]),
        (b"[name]=a", ["missing_name", "empty_name"]),
    ],
)
async def test_brackets_make_a_list_that_is_no_text(
    address: str, body: bytes, expected: object
) -> None:
    _, said = await post(address, FORM, body)

    assert (said["name"] if isinstance(said, dict) else said) == expected


async def test_a_file_is_no_text(address: str) -> None:
    upload = multipart(part(b"a", b'form-data; name="name"; filename="a.txt"'))

    assert await post(address, MULTIPART, upload) == (422, ["invalid"])


@pytest.mark.parametrize("content_type", [FORM, JSON, MULTIPART, b"text/plain"])
async def test_an_empty_body_is_none_whatever_its_content_type(
    address: str, content_type: bytes
) -> None:
    answered = await post(address, content_type, b"", b"/api/things?name=a")

    assert answered == (200, {"id": None, "name": "a", "size": None})


async def test_an_empty_chunked_body_is_none(address: str) -> None:
    headers = {"Content-Type": JSON, "Transfer-Encoding": b"chunked"}
    request = raw("POST", b"/api/things?name=a", headers) + b"0\r\n\r\n"

    assert (await sent(address, request))[0] == 200


async def chunks(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def test_a_chunked_body_is_read_and_has_the_limit(address: str) -> None:
    headers = {"Content-Type": FORM.decode()}
    url = f"{address}/api/things"
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.post(url, data=chunks(b"na", b"me=%C3", b"%A9")) as response:
            assert (response.status, (await response.json())["name"]) == (200, "é")
        async with http.post(url, data=chunks(*[b"x" * 65536] * 5)) as response:
            assert response.status == 413


async def test_a_sender_who_leaves_is_no_error_of_ours(address: str, registry: Registry) -> None:
    def counted(status: str = "") -> float:
        return sum(
            sample.value
            for metric in registry.collect()
            for sample in metric.samples
            if sample.name == "http_requests_total" and status in sample.labels["status"]
        )

    parts = urlsplit(address)
    for content_type in (FORM, MULTIPART):
        before = counted()
        headers = {"Content-Type": content_type, "Content-Length": b"100"}
        headers["Expect"] = b"100-continue"
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(raw("POST", b"/api/things", headers))
        await reader.readuntil(b" 100 Continue\r\n\r\n")  # the service is at the body
        writer.write(b"--B\r\n")
        writer.close()

        async def ended(before: float = before) -> bool:
            return counted() > before

        await until(ended)
    assert counted("500") == 0


@pytest.mark.parametrize("target", [b"/api/things?name=a", b"/api/things/?name=a"])
async def test_head_answers_as_get_does_without_the_body(address: str, target: bytes) -> None:
    assert (await sent(address, raw("GET", target)))[1] != b""
    assert await sent(address, raw("HEAD", target)) == (200, b"")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", b"/"),
        ("GET", b"/things?name=a"),
        ("GET", b"/api/things//?name=a"),
        ("GET", b"//api/things?name=a"),
        ("GET", b"/api/x/../things?name=a"),
        ("GET", b"/API/things?name=a"),
        ("GET", b"/api/things/x"),
        ("GET", b"/%ff%00"),
        ("DELETE", b"/api/things?name=a"),
        ("HEAD", b"/api/things/x"),
        ("OPTIONS", b"*"),
        ("PROPFIND", b"/api/things"),
    ],
)
async def test_an_unknown_route_or_verb_is_not_found(
    address: str, method: str, target: bytes
) -> None:
    status, body = await sent(address, raw(method, target))

    assert status == 404
    assert method == "HEAD" or json.loads(body) == {"error": "Route is not found"}
