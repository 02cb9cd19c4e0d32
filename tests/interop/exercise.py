"""Sends a row of the table, and records what the upstream saw and what clients got."""

import asyncio
import itertools
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.interop.servers import Seen, UpstreamServer
from tests.support.transport import Raw
from tests.support.waiting import until

PATIENCE = 5.0
_numbers = itertools.count(1)
_PLACE = re.compile(rb"<([a-z0-9]+)>")
_BODYLESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Place:
    """Paths of one row at one upstream: `<echo>` stands for `/node/echo/17`."""

    upstream: str
    number: int

    @classmethod
    def at(cls, upstream: str) -> "Place":
        """Paths that were not used before."""
        return cls(upstream, next(_numbers))

    def filled(self, text: bytes) -> bytes:
        """`text` with its placeholders replaced by the paths."""
        path = rb"/%b/\1/%d" % (self.upstream.encode(), self.number)
        return _PLACE.sub(path, text)

    def of(self, target: str) -> bool:
        """Whether a target contains one of these paths."""
        return re.search(rf"/{self.upstream}/\w+/{self.number}(?!\d)", target) is not None


@dataclass(frozen=True, slots=True)
class Got:
    """An answer; names of headers are in lower case. `interims`: 1xx responses before it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    interims: tuple["Got", ...] = ()

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for each, value in self.headers if each == name]

    @property
    def seen(self) -> str:
        """The target that the upstream read, if an upstream answered."""
        return ", ".join(self.all("x-seen"))


class BrokenAnswerError(AssertionError):
    """The gateway sent a malformed or incomplete answer."""


async def head(raw: Raw) -> Got:
    """The head of the next answer, 1xx included."""
    async with asyncio.timeout(PATIENCE):
        data = await raw.reader.readuntil(b"\r\n\r\n")
    start, *lines = data.decode("latin-1").split("\r\n")[:-2]
    found = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", start)
    if found is None:
        raise BrokenAnswerError(start)
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name):
            raise BrokenAnswerError(line)
        headers.append((name.lower(), value.strip()))
    return Got(int(found[1]), tuple(headers))


async def answer(raw: Raw, method: str = "GET") -> Got:
    """The next complete answer, to a request with this method."""
    interims: list[Got] = []
    while (start := await head(raw)).status < 200:
        interims.append(start)
    body = await _body(raw, start, method)
    return Got(start.status, start.headers, body, tuple(interims))


async def _body(raw: Raw, start: Got, method: str) -> bytes:
    lengths, codings = start.all("content-length"), start.all("transfer-encoding")
    if len(lengths) + len(codings) > 1 or (codings and codings != ["chunked"]):
        raise BrokenAnswerError(f"{lengths} {codings}")
    if method == "HEAD" or start.status in _BODYLESS:
        return b""
    async with asyncio.timeout(PATIENCE):
        if lengths:
            return await raw.reader.readexactly(int(lengths[0]))
        if not codings:
            return await raw.reader.read()
        body = b""
        while size := int(await raw.reader.readuntil(b"\r\n"), 16):
            body += (await raw.reader.readexactly(size + 2))[:-2]
        while await raw.reader.readuntil(b"\r\n") != b"\r\n":
            pass  # a trailer
        return body


async def at_its_end(raw: Raw) -> bool:
    """Waits until the peer closes the connection; False when it sends something instead."""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            return await raw.reader.read(1) == b""
    return True


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a row's requests.

    `after`: the answer to one more request of the same client, None when the gateway closed.
    `others`: the answers to the next clients, with their targets.
    """

    got: tuple[Got, ...]
    after: Got | None
    others: tuple[tuple[str, Got], ...]


async def exercise(
    url: str,
    place: Place,
    parts: Sequence[bytes],
    methods: Sequence[str],
    *,
    ends: bool | None,
    piecemeal: bool = False,
) -> Outcome:
    """Sends `parts` on one connection; each but the first after `100 Continue`.

    Then it reads one answer for each of `methods`. Then other clients connect, and then the end of
    the connection or one more request follows, as `ends` says; None for neither. `piecemeal`: each
    byte is sent separately.
    """
    async with Raw.to(url) as client:
        *first, last = (place.filled(part) for part in parts)
        for part in first:
            await client.send(part)
            continued = await head(client)
            assert continued.status == 100, continued
        # Read while sending: bytes that arrive after the close reset the connection, and a reset
        # discards unread bytes.
        reading = asyncio.create_task(_answers(client, methods))
        if piecemeal:
            await _send_piecemeal(client, last, reading)
        else:
            await client.send(last)
        got = await reading
        others = [await _next(url, place, number) for number in range(2)]
        after = None
        if ends:
            assert await at_its_end(client), "more came than the answers"
        elif ends is False:
            await client.send(_get(place.filled(b"<echo>/after").decode()))
            after = await answer(client)
    others.append(await _next(url, place, 2))
    return Outcome(tuple(got), after, tuple(others))


async def _answers(client: Raw, methods: Sequence[str]) -> list[Got]:
    """Answers to requests with these methods; fewer when the server closes."""
    got: list[Got] = []
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        for method in methods:
            got.append(await answer(client, method))  # noqa: PERF401 (keeps those before an end)
    return got


async def _send_piecemeal(client: Raw, data: bytes, reading: asyncio.Task[list[Got]]) -> None:
    """Sends each byte separately, until all answers have arrived."""
    sender = client.writer.get_extra_info("socket")
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(ConnectionError):  # the server closes when it has sent its last answer
        for at in range(len(data)):
            if reading.done():
                break
            await client.send(data[at : at + 1])
            await asyncio.sleep(0)


async def next_clients(url: str, place: Place) -> tuple[tuple[str, Got], ...]:
    """The answers to the next clients, each with the target of its request."""
    return tuple([await _next(url, place, number) for number in range(3)])


async def _next(url: str, place: Place, number: int) -> tuple[str, Got]:
    target = place.filled(b"<echo>/next/%d" % number).decode()
    what = _get(target)
    if number == 1:  # a request that must not be sent twice
        what = what.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}")
    async with Raw.to(url) as client:
        await client.send(what)
        return target, await answer(client)


def _get(target: str) -> str:
    return f"GET {target} HTTP/1.1\r\nHost: gateway\r\n\r\n"


async def arrived(upstream: UpstreamServer, place: Place) -> tuple[list[Seen], set[int]]:
    """What the upstream saw of a row, and of the next clients' connections.

    The request of the last of these clients shows that nothing else follows.
    """
    own, last = place.filled(b"<echo>/").decode(), place.filled(b"<echo>/next/2").decode()

    async def all_noted() -> list[Seen]:
        found = [each for each in upstream.seen() if place.of(each.target)]
        return found if any(each.target == last for each in found) else []

    found = await until(all_noted, every=0.003)
    extra = (f"{own}after", f"{own}next/0", f"{own}next/1", last)
    own_ones = [each for each in found if each.target not in extra]
    return own_ones, {each.connection for each in found if each.target in extra}
