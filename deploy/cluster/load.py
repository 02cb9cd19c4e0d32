"""A few calls a second through the gateway, each with the outcome that it has to have."""

import asyncio
import contextlib
import itertools
import json
import re
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

_PASSWORD = "Tr4vel-by-night-train"  # noqa: S105 - of users who live for minutes
_CALL_SECONDS = 30.0
_MAIL_SECONDS = 120.0
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_WORKERS = 8
_LABEL = "drill"
_SAID_BYTES = 300
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """HTTP/1.1 to one address. A connection that was closed between two calls is made anew."""

    def __init__(self, address: Address, *, kept: bool = True) -> None:
        self._address = address
        self._kept = kept
        self._open: tuple[StreamReader, StreamWriter] | None = None

    async def call(
        self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> Answer:
        """One call; raises OSError, EOFError or TimeoutError, and never repeats a call."""
        if self._open is None or self._open[0].at_eof():
            self.close()
            self._open = await asyncio.open_connection(*self._address)
        reader, writer = self._open
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                writer.write(self._request(method, path, form, headers))
                answer = await _answer(reader)
        except BaseException:
            self.close()
            raise
        if not self._kept or answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Closes the connection, if one is open."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def _request(
        self, method: str, path: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> bytes:
        body = urlencode(form or {}).encode()
        lines = {"host": "localhost", "user-agent": "drill", **headers}
        if method != "GET":
            lines |= {
                "content-type": "application/x-www-form-urlencoded",
                "content-length": str(len(body)),
            }
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def _answer(reader: StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in head[1:] if ": " in line)
    headers = {name.lower(): value for name, value in pairs}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(int(head[0].split()[1]), headers, body)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has signed up and logged in."""

    email: str
    password: str
    cookie: str
    csrf: str


async def sign_up(gateway: Address, mail: Address, email: str) -> User:
    """From sign-up and the mailed link to `/resource/users/me`; raises `AssertionError`."""
    connection = Connection(gateway)
    form = {"email": email, "password": _PASSWORD}
    answer = await connection.call("POST", "/identity/users", form)
    assert answer.status == 201, answer.status
    token = await _mailed_token(mail, email)
    answer = await connection.call("POST", "/identity/users/email/confirm_code", {"token": token})
    assert answer.status == 201, answer.status
    user = await log_in(gateway, email, _PASSWORD)
    answer = await connection.call("GET", "/resource/users/me", cookie=user.cookie)
    assert answer.status == 200, answer.status
    assert json.loads(answer.body)["email"] == email
    label = {"key": _LABEL, "value": "new"}
    answer = await connection.call(
        "POST", "/resource/labels", label, cookie=user.cookie, x_csrf_token=user.csrf
    )
    assert answer.status == 201, answer.status
    connection.close()
    return user


async def log_in(gateway: Address, email: str, password: str) -> User:
    """A new session."""
    connection = Connection(gateway, kept=False)
    form = {"email": email, "password": password}
    answer = await connection.call("POST", "/identity/sessions", form)
    assert answer.status == 201, answer.status
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return User(email, password, cookie, json.loads(answer.body)["csrf_token"])


async def _mailed_token(mail: Address, email: str) -> str:
    """The token of a user's first mail, by mailpit's API."""
    async with asyncio.timeout(_MAIL_SECONDS):
        while True:
            connection = Connection(mail, kept=False)
            listed = json.loads((await connection.call("GET", "/api/v1/messages?limit=50")).body)
            for message in listed["messages"]:
                if any(each["Address"] == email for each in message["To"]):
                    answer = await connection.call("GET", f"/api/v1/message/{message['ID']}")
                    if found := _TOKEN.search(json.loads(answer.body)["Text"]):
                        return found[0]
            await asyncio.sleep(0.3)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call: which, when, how it ended, and whether that was right."""

    phase: str
    call: str
    ended: str
    """A status, or the name of an exception."""

    wanted: frozenset[int]
    seconds: float
    began: datetime
    said: str = ""
    """The start of the body of an answer that is not right."""

    @property
    def right(self) -> bool:
        """Whether the call ended as it has to."""
        return self.ended.isdigit() and int(self.ended) in self.wanted

    @property
    def failed(self) -> bool:
        """No answer, or one that says that something is broken."""
        return not self.right and (not self.ended.isdigit() or int(self.ended) >= 500)

    @property
    def wrongly_denied(self) -> bool:
        """Refused although the caller may do it."""
        return not self.right and not self.failed and int(self.ended) >= 400 and 200 in self.wanted

    @property
    def wrongly_allowed(self) -> bool:
        """Let through although the caller may not do it."""
        return self.ended.isdigit() and int(self.ended) < 300 and 401 in self.wanted


_OK, _DENIED = frozenset({200, 201}), frozenset({401, 403})
_Call = Callable[[Connection], Awaitable[Answer]]


@dataclass
class Load:
    """Users who call, half of them over connections that they keep, and what came of it."""

    gateway: Address
    members: Sequence[User]
    superadmin: User
    rate: float
    """Calls a second, of all users together."""

    phase: str = "before"
    outcomes: list[Outcome] = field(default_factory=list)
    _turns: "itertools.count[int]" = field(default_factory=itertools.count)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Calls while the context lasts."""
        workers = [asyncio.create_task(self._work(number)) for number in range(_WORKERS)]
        try:
            yield
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, number: int) -> None:
        pause = _WORKERS / self.rate
        with contextlib.closing(Connection(self.gateway, kept=number % 2 == 0)) as connection:
            for turn in itertools.count(number):
                member = self.members[next(self._turns) % len(self.members)]
                name, wanted, call = self._choose(turn, member)
                phase, at, began, said = self.phase, datetime.now(UTC), time.monotonic(), ""
                try:
                    answer = await call(connection)
                    ended = str(answer.status)
                    if answer.status not in wanted:
                        said = answer.body[:_SAID_BYTES].decode(errors="replace")
                except (OSError, EOFError, ValueError) as error:
                    ended = type(error).__name__
                took = time.monotonic() - began
                self.outcomes.append(Outcome(phase, name, ended, wanted, took, at, said))
                await asyncio.sleep(max(0.0, pause - took))

    def _choose(self, turn: int, user: User) -> tuple[str, frozenset[int], _Call]:
        match turn * 7 % 20:
            case 0:
                form = {"email": user.email, "password": user.password}
                return "log in", _OK, lambda c: c.call("POST", "/identity/sessions", form)
            case 1 | 2:
                form = {"value": f"at-{time.monotonic_ns()}"}
                return (
                    *("write a label", _OK),
                    lambda c: c.call(
                        *("PATCH", f"/resource/labels/{_LABEL}", form),
                        cookie=user.cookie,
                        x_csrf_token=user.csrf,
                    ),
                )
            case 3 | 4:
                return "ping", _OK, lambda c: c.call("GET", "/identity/ping")
            case 5 | 6:
                return "me, no session", _DENIED, lambda c: c.call("GET", "/resource/users/me")
            case 7:
                return (
                    *("list users as a member", _DENIED),
                    lambda c: c.call("GET", "/admin/users", cookie=user.cookie),
                )
            case 8 | 9:
                return (
                    *("list users", _OK),
                    lambda c: c.call("GET", "/admin/users", cookie=self.superadmin.cookie),
                )
            case 10 | 11:
                # The page calls the gateway as its visitor, and so identity-svc and resource-svc.
                return (
                    *("page of the account", _OK),
                    lambda c: c.call("GET", "/account", cookie=user.cookie),
                )
            case 12:
                metadata = "/.well-known/openid-configuration"
                return "metadata of OAuth", _OK, lambda c: c.call("GET", metadata)
            case _:
                return (
                    *("me", _OK),
                    lambda c: c.call("GET", "/resource/users/me", cookie=user.cookie),
                )
