"""Odd requests to Barong's own services, as browsers, programs and attackers send them."""

import gzip
import json
import secrets
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.interop.exercise import Got, answer
from tests.interop.known_faults import expect_known_faults
from tests.support.client import USER_AGENT, Client
from tests.support.internal import tables_of_admin
from tests.support.system import PASSWORD, Installation
from tests.support.transport import Raw
from tests.support.waiting import until

API = "/api/v2/barong"
ME, SESSION = f"{API}/resource/users/me", f"{API}/identity/sessions"
PADDING = "b" * 9000


@pytest.fixture(scope="module")
async def admin(system: Installation) -> AsyncIterator[Client]:
    """The superadmin, logged in."""
    async with Client(system) as made:
        assert (await made.log_in_as_superadmin()).status == 201
        yield made


@pytest.fixture(scope="module")
async def member(system: Installation) -> AsyncIterator[Client]:
    """A member whose session stays valid during these tests."""
    async with Client(system) as made:
        await made.become_member()
        yield made


def request(
    method: str, target: str, lines: Mapping[str, str] | list[tuple[str, str]], body: bytes = b""
) -> bytes:
    """The bytes of a request from a browser."""
    pairs = list(lines.items()) if isinstance(lines, Mapping) else lines
    pairs += [("User-Agent", USER_AGENT), *([("Content-Length", str(len(body)))] if body else [])]
    head = [f"{method} {target} HTTP/1.1", "Host: gateway", *(f"{n}: {v}" for n, v in pairs)]
    return "\r\n".join((*head, "", "")).encode("latin-1") + body


async def answers(system: Installation, *requests: bytes) -> list[Got]:
    """The answers to requests that are sent together on one connection."""
    async with Raw.to(system.gateway_url) as client:
        await client.send(b"".join(requests))
        return [await answer(client, data.split(b" ")[0].decode()) for data in requests]


@dataclass(frozen=True, slots=True)
class Shown:
    """Header lines that authenticate a member, and the expected answer.

    `lines` get the member's session id.
    """

    id: str
    lines: Callable[[str], list[tuple[str, str]]]
    status: int = 200


def cookie(id_: str, form: str, *lines: tuple[str, str], status: int = 200) -> Shown:
    """A Cookie line; `{}` stands for the member's session id."""
    return Shown(id_, lambda sid: [("Cookie", form.replace("{}", sid)), *lines], status)


SHOWN = (
    cookie("plain", "_barong_session={}"),
    cookie("no-space", "a=b;_barong_session={};c=d"),
    cookie("odd-neighbours", ';; $Version=1; =; a; b=="c"; _barong_session={}; d[]=1;'),
    cookie("dead-one-first", "_barong_session=dead; _barong_session={}"),
    cookie("dead-one-last", "_barong_session={}; _barong_session=dead"),
    cookie("empty-one-first", "_barong_session=; _barong_session={}"),
    cookie("two-dead-ones", "_barong_session=dead; _barong_session=dead2", status=401),
    Shown(
        "dead-one-in-another-line",
        lambda sid: [("Cookie", "_barong_session=dead"), ("Cookie", f"_barong_session={sid}")],
    ),
    cookie("in-capitals", "_BARONG_SESSION={}", status=401),
    cookie("with-a-prefix", "x_barong_session={}", status=401),
    cookie("cut", "_barong_session={}x", status=401),
    cookie("basic-beside", "_barong_session={}", ("Authorization", "Basic YTpi")),
    cookie("basic-alone", "a=b", ("Authorization", "Basic YTpi"), status=401),
    cookie("bearer-beside", "_barong_session={}", ("Authorization", "Bearer x"), status=401),
    cookie("9-kb-of-cookies", f"a={PADDING}; _barong_session={{}}"),
    cookie("9-kb-of-cookies-behind", f"_barong_session={{}}; a={PADDING}"),
    cookie("9-kb-of-referer", "_barong_session={}", ("Referer", f"http://a/{PADDING}")),
    cookie("9-kb-of-a-header", "_barong_session={}", ("X-Odd", PADDING)),
    cookie("31-kb-of-headers", "_barong_session={}", *[("X-Odd", "b" * 7700)] * 4),
    cookie("33-kb-of-headers", "_barong_session={}", *[("X-Odd", "b" * 8200)] * 4, status=431),
    cookie("session-of-9-kb", f"_barong_session={PADDING}", status=401),
)


@pytest.mark.parametrize("path", [ME, f"{API}/resource/labels"])
@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.id)
async def test_who_shows_a_living_session_is_known(
    shown: Shown, path: str, member: Client, system: Installation, request_: pytest.FixtureRequest
) -> None:
    expect_known_faults(request_, f"session:{shown.id}")
    [got] = await answers(system, request("GET", path, shown.lines(member.cookie)))
    assert got.status == shown.status
    assert_ours(got, member)
    if (path, got.status) == (ME, 200):
        assert json.loads(got.body)["email"] == member.email


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.id)
async def test_what_reads_cookies_itself_answers_no_worse(
    shown: Shown, member: Client, system: Installation, request_: pytest.FixtureRequest
) -> None:
    """identity-svc gets them unchanged, and discloses none."""
    expect_known_faults(request_, f"cookies:{shown.id}")
    [got] = await answers(system, request("GET", f"{API}/identity/ping", shown.lines("secret")))
    assert got.status == (431 if shown.status == 431 else 200)
    assert b"secret" not in got.body
    assert_ours(got, member)


CODED: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data),
    "x-gzip": lambda data: gzip.compress(data),
    "deflate": lambda data: zlib.compress(data),
    "br": lambda data: b"\x0b\x01\x80" + data + b"\x03",
    "zstd": lambda data: b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + data,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
    "unheard-of": lambda data: data,
}


@pytest.mark.parametrize("path", ["identity/sessions", "identity/users"])
@pytest.mark.parametrize("coding", CODED)
async def test_a_coded_body_is_refused_unread(
    path: str, coding: str, system: Installation, member: Client, request_: pytest.FixtureRequest
) -> None:
    expect_known_faults(request_, f"coded:{coding}")
    form = f"email={secrets.token_hex(6)}@example.com&password={PASSWORD}".encode()
    lines = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Encoding": coding,
    }
    [got] = await answers(system, request("POST", f"{API}/{path}", lines, CODED[coding](form)))
    assert got.status == 415
    assert_ours(got, member)


async def test_a_bomb_is_refused_unread(
    system: Installation, request_: pytest.FixtureRequest
) -> None:
    """100 MB of zeros, in 100 KB."""
    expect_known_faults(request_, "coded:bomb")
    lines = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    bomb = request("POST", SESSION, lines, gzip.compress(bytes(100_000_000), 9))
    [got] = await answers(system, bomb)
    assert got.status == 415


async def test_head_has_no_body_and_the_next_answer_is_its_own(
    system: Installation, member: Client
) -> None:
    lines = {"Cookie": f"_barong_session={member.cookie}"}
    head, me = await answers(system, request("HEAD", ME, lines), request("GET", ME, lines))
    assert (head.status, head.body, me.status) == (200, b"", 200)
    assert json.loads(me.body)["email"] == member.email


async def test_what_comes_right_behind_a_log_out_is_refused(
    system: Installation, client: Client, request_: pytest.FixtureRequest
) -> None:
    expect_known_faults(request_, "session:behind-a-log-out")
    await client.become_member()
    lines = {
        "Cookie": f"_barong_session={client.cookie}",
        "X-CSRF-Token": client.csrf_token,
    }
    before, out, *behind = await answers(
        system,
        request("GET", ME, lines),
        request("DELETE", SESSION, lines),
        *(request("GET", ME, lines) for _ in range(3)),
    )
    assert (before.status, out.status) == (200, 204)
    assert [each.status for each in behind] == [401] * 3


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (400, b"GET /identity/ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        (400, b"GET /identity/%2e%2e/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, b"GET /identity//ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        (404, b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"),
        (404, b"PROPFIND /identity/ping HTTP/1.1\r\nHost: a\r\n\r\n"),
        (413, b"POST /identity/users HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"),
        (414, b"GET /identity/ping?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        (415, b"POST /identity/users HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n"
              b"Content-Length: 3\r\n\r\n<a>"),
        (400, b"POST /identity/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
              b"Content-Length: 3\r\n\r\n{a}"),
        (401, b"GET /resource/users/me HTTP/1.1\r\nHost: a\r\n\r\n"),
    ],
)  # fmt: skip
async def test_every_refusal_is_our_json(status: int, data: bytes, system: Installation) -> None:
    [got] = await answers(system, data)
    assert got.status == status
    assert_json(got)


def assert_ours(got: Got, member: Client) -> None:
    """The answer discloses nothing of the session, and a refusal is our JSON."""
    assert member.cookie.encode() not in got.body
    assert PADDING.encode()[:100] not in got.body
    if got.status >= 400:
        assert_json(got)


def assert_json(got: Got) -> None:
    told = json.loads(got.body)
    assert got.all("content-type")[0].startswith("application/json")
    assert set(told) in ({"errors"}, {"error"})


BOUNDARY = "b"


def part(name: str, value: str, end: str = "\r\n") -> str:
    """One part of a form."""
    head = f'--{BOUNDARY}{end}Content-Disposition: form-data; name="{name}"'
    return f"{head}{end}{end}{value}{end}"


LABEL = part("value", "yes") + part("scope", "public")
END = f"--{BOUNDARY}--\r\n"


def coded_preamble(victim: str, innocent: str, key: str) -> bytes:
    """A form in gzip, followed by parts that a reader without gzip would read."""
    hidden = (part("uid", innocent) + part("key", key) + LABEL + END).encode()
    shown = "\r\n" + part("uid", victim) + part("key", key) + LABEL + END
    return gzip.compress(hidden) + shown.encode()


AUDITED: Mapping[str, tuple[Callable[[str, str, str], bytes], Mapping[str, str]]] = {
    "plain": (
        lambda victim, innocent, key: (
            part("uid", victim) + part("key", key) + LABEL + END
        ).encode(),
        {},
    ),
    "line-feeds": (
        lambda victim, innocent, key: (
            part("uid", victim)
            + part("key", key)
            + LABEL
            + part("note", "x\n" + part("uid", innocent, "\n") + "x")
            + END
        ).encode(),
        {},
    ),
    "coded-preamble": (coded_preamble, {"Content-Encoding": "gzip"}),
    "coded-preamble-named": (
        coded_preamble,
        {"Content-Encoding": "gzip", "Connection": "content-encoding"},
    ),
    "preamble-of-300-kb": (
        lambda victim, innocent, key: (
            "x" * 300_000 + "\r\n" + part("uid", victim) + part("key", key) + LABEL + END
        ).encode(),
        {},
    ),
    "uid-twice": (
        lambda victim, innocent, key: (
            part("uid", victim) + part("uid", innocent) + part("key", key) + LABEL + END
        ).encode(),
        {},
    ),
    "boundary-in-another-part": (
        lambda victim, innocent, key: (
            part("note", f"\r\n--{BOUNDARY}x\r\n" + part("uid", innocent).replace("--b", "--bx"))
            + part("uid", victim)
            + part("key", key)
            + LABEL
            + END
        ).encode(),
        {},
    ),
}


@pytest.mark.parametrize("case", AUDITED)
async def test_the_audit_tells_whom_a_change_hits(
    case: str, admin: Client, system: Installation, request_: pytest.FixtureRequest
) -> None:
    """Or the change is refused, and has no effect."""
    expect_known_faults(request_, f"audit:{case}")
    key, uids = f"probe-{secrets.token_hex(4)}", []
    for _ in range(2):
        async with Client(system) as client:
            uids.append((await client.become_member()).body["uid"])
    made, headers = AUDITED[case]
    lines = {
        "Cookie": f"_barong_session={admin.cookie}",
        "X-CSRF-Token": admin.csrf_token,
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        **headers,
    }
    target = f"{API}/admin/users/labels?marker={key}"
    [got] = await answers(system, request("POST", target, lines, made(uids[0], uids[1], key)))
    hit = [uid for uid in uids if await _has_label(admin, uid, key)]
    if got.status != 201:
        assert got.status in (400, 413, 415, 422)
        assert not hit
        return

    async def told() -> list[str]:
        async with tables_of_admin(system) as tables:
            rows = await tables.fetch(
                "SELECT target_uid FROM activities"
                " WHERE category = 'admin' AND data LIKE '%' || $1 || '%'",
                key,
            )
        return [row["target_uid"] for row in rows]

    assert await until(told) == hit


async def _has_label(admin: Client, uid: str, key: str) -> bool:
    shown = (await admin.get(f"admin/users/{uid}")).body
    return any(label["key"] == key for label in shown["labels"])


@pytest.fixture
def request_(request: pytest.FixtureRequest) -> pytest.FixtureRequest:
    """The requesting test; the name `request` is a function here."""
    return request
