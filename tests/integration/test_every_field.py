"""Every field of every operation, filled with what it is not made for: never an error of ours.

A call has plausible values in all other fields, so that the odd one gets as far as it can. Calls go
to the services themselves: what a gateway lets pass today it may let pass otherwise tomorrow.
"""

import asyncio
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints
from urllib.parse import quote

import aiohttp
import pytest
from marshmallow import ValidationError
from structlog.testing import capture_logs
from yarl import URL

from admin_svc import routes as admin
from identity_svc import routes as identity
from oauth_svc import routes as oauth
from resource_svc import routes as resource
from shared.crypto.key_ring import KeyRing
from shared.tokens.service import ServiceTokens
from shared.web.routes import Anyone, BearerOf, Route, ServiceToken
from tests.support.client import Client
from tests.support.system import KEY, PASSWORD, Installation, started

AT_ONCE = 8
MODULES = {"identity": identity, "resource": resource, "admin": admin, "oauth": oauth}
PREFIXES = {
    "identity": "",
    "resource": "/api/v2/resource",
    "admin": "/api/v2/admin",
    "oauth": "",
}

DEEP: Any = "deep"
for _ in range(40):
    DEEP = [DEEP]

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 1.5, 10**30, 253_402_300_800, "", "\0", "x" * 70_000),
    *([], [None], ["x"], {"x": {"y": [None]}}, DEEP),
)
"""In JSON."""

TEXTS = (" ", "1.5", "9" * 40, "253402300800", "x" * 300)
"""In queries and paths."""

PART_NAMES = ("{}[0]", "{}[a][b]", "{}[", "[{}]", " {}")
FILE_NAMES = ("{}", "{}[0]", "{}[]")
PAGING = {"page", "limit"}
"""The same in all lists: tried in one of them."""

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)

PLAUSIBLE: Mapping[str, Any] = {
    "key": "probe",
    "value": "yes",
    "scope": "public",
    "description": "x",
    "role": "member",
    "first_name": "A",
    "last_name": "B",
    "dob": "1990-01-31",
    "address": "x 1",
    "city": "Bonn",
    "country": "DE",
    "postcode": "53111",
    "metadata": "{}",
    "title": "personal",
    "data": "{}",
    "phone_number": "+4915112345678",
    "channel": "sms",
    "verification_code": "12345",
    "otp_code": "123456",
    "totp_code": "123456",
    "code": "471",
    "algorithm": "HS256",
    "password": PASSWORD,
    "old_password": "wrong",
    "new_password": "N3w-train-by-night",
    "confirm_password": "N3w-train-by-night",
    "credential": {"id": "x", "rawId": "x", "type": "public-key", "response": {}},
    "token": "x",
    "reset_password_token": "x",
    "whitelink_token": "x",
    "id": 1,
    "kid": "x",
    "sid": "x",
    "known": 1,
    "version": 1,
    "verb": "GET",
    "path": "api/v2/probe",
    "action": "ACCEPT",
    "expire_time": 5,
    "client": {"ip": "198.18.0.7", "user_agent": "x"},
    "lifetime": 5000,
    "page": 1,
    "limit": 5,
    "doc_type": "Passport",
    "doc_number": "1",
    "doc_expire": "2999-01-01",
    "events": [],
    "service": "resource-svc",
    "queue": "nobody-declared-this",
    "wanted": {},
    "labels": [],
    "keys": [],
    "nonces": [],
    "email": "probe@example.com",
    "user_code": "BCDF-GHJK",
}
OF_PATH: Mapping[str, Mapping[str, Any]] = {
    "/events": {"name": "model.#"},
    "/events/replays": {"name": "model.#"},
    "/restrictions": {"scope": "ip", "value": "203.0.113.7", "category": "blacklist"},
    "/restrictions/check": {
        "scope": "ip",
        "value": "203.0.113.7",
        "category": "blacklist",
        "address": "203.0.113.8",
    },
    "/users/activity/{topic}": {"topic": "all"},
    "/users/me": {"password": "wrong"},  # who deletes their account can make no more calls
    "/users/{uid}/activities/{category}": {"category": "user"},
    "/users/{uid}/state": {"state": "active"},
}


@dataclasses.dataclass(frozen=True)
class Call:
    """One call; its repr says how to make it again."""

    service: str
    public: bool
    route: Route[Any]
    target: str
    options: Mapping[str, Any]

    def __repr__(self) -> str:
        shown = f"{self.service} {self.route.method} {self.target} {self.options}"
        return shown.encode("ascii", "backslashreplace").decode()[:600]


def forms(service: str) -> Iterator[tuple[bool, Route[Any], type[Any]]]:
    """Every operation, whether it is public, and its form."""
    module = MODULES[service]
    for public, routes in ((True, module.PUBLIC), (False, module.INTERNAL)):
        for route in routes:
            yield public, route, route.operation.form


def names_of(form: type[Any]) -> list[str]:
    """The parameters of a form, as clients call them."""
    fields = ((each.name, each.metadata.get("marshmallow")) for each in dataclasses.fields(form))
    return [field.data_key or name for name, field in fields if field is not None]


def calls(service: str, people: Mapping[str, Any]) -> Iterator[Call]:
    """Every odd call of the service's operations."""
    paged: set[str] = set()
    for public, route, form in forms(service):
        known = {**PLAUSIBLE, **people, **OF_PATH.get(route.path, {})}
        operation = Operation(service, public, route, names_of(form), known)
        yield operation.call({"json": operation.base})
        for name in operation.names:
            if name not in PAGING & paged:
                paged.add(name)
                yield from operation.odd_calls(name)


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation, and what its parameters may be as a rule."""

    service: str
    public: bool
    route: Route[Any]
    names: list[str]
    known: Mapping[str, Any]

    @property
    def base(self) -> dict[str, Any]:
        """What is plausible in a body."""
        wanted = set(self.names) & self.known.keys() - self._in_path
        return {name: self.known[name] for name in wanted}

    @property
    def _in_path(self) -> set[str]:
        return set(re.findall(r"\{(\w+)", self.route.path))

    def call(self, options: Mapping[str, Any], query: str = "", **odd: str) -> Call:
        """A call, with odd values in its path."""
        known = {**self.known, **odd}
        path = re.sub(
            r"\{(\w+)[^}]*\}",
            lambda found: quote(str(known.get(found[1], "x")), safe=""),
            self.route.path,
        )
        target = (PREFIXES[self.service] if self.public else "") + path + query
        return Call(self.service, self.public, self.route, target, options)

    def odd_calls(self, name: str) -> Iterator[Call]:
        """Those in which this parameter is odd."""
        if name in self._in_path:
            for text in TEXTS:
                yield self.call({"json": self.base}, **{name: text})
            return
        for value in VALUES:
            body = json.dumps({**self.base, name: value}).encode()
            yield self.call({"data": body, "headers": {"Content-Type": "application/json"}})
        rest = {key: value for key, value in self.base.items() if key != name}
        if not self.public:
            return
        if self.route.method in ("GET", "DELETE"):
            for text in TEXTS:
                yield self.call({"json": rest}, f"?{quote(name)}={quote(text)}")
            return
        for odd in PART_NAMES:
            yield self.call(multipart(rest, odd.format(name), None))
        for odd in FILE_NAMES:
            yield self.call(multipart(rest, odd.format(name), PNG))


def multipart(texts: Mapping[str, Any], odd: str, file: bytes | None) -> dict[str, Any]:
    """A form with plausible texts, and one part of an odd name."""
    parts = [(f'name="{name}"', str(text).encode()) for name, text in texts.items()]
    parts.append(
        (f'name="{odd}"', b"1") if file is None else (f'name="{odd}"; filename="a.png"', file)
    )
    body = b"".join(
        b"--x\r\nContent-Disposition: form-data; " + said.encode() + b"\r\n\r\n" + content + b"\r\n"
        for said, content in parts
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return {"data": body + b"--x--\r\n", "headers": headers}


class Caller:
    """Who may make every call: a member, a superadmin, and each of our services."""

    def __init__(
        self, system: Installation, http: aiohttp.ClientSession, people: Mapping[str, Client]
    ) -> None:
        self._system = system
        self._http = http
        self._people = people
        self._bearer = ""

    async def renew(self, service: str) -> None:
        """Takes the token, good for a minute, that the gateway makes for who calls the service."""
        if person := self._people.get(service):
            answer = await person.get("/api/v2/auth/api/v2/barong/resource/users/me")
            self._bearer = answer.headers["Authorization"].removeprefix("Bearer ")

    async def make(self, call: Call) -> tuple[int, str]:
        """Status and body."""
        where = self._system.public_url if call.public else self._system.internal_url
        url = URL(where(call.service) + call.target, encoded=True)
        headers = {**call.options.get("headers", {}), **self._credentials(call)}
        options = {key: value for key, value in call.options.items() if key != "headers"}
        async with self._http.request(call.route.method, url, headers=headers, **options) as got:
            return got.status, await got.text()

    def _credentials(self, call: Call) -> dict[str, str]:
        match call.route.access:
            case ServiceToken(callers):
                tokens = ServiceTokens(min(callers), KeyRing.parse(KEY))
                token = tokens.issue(f"{call.service}-svc")
            case BearerOf():
                token = self._bearer
            case Anyone():
                return {}
        return {"Authorization": f"Bearer {token}"}


async def test_no_field_of_any_operation_takes_us_by_surprise(
    system_of_my_own: Installation,
) -> None:
    system, failures = system_of_my_own, list[str]()
    async with (
        started(system),
        Client(system) as member,
        Client(system) as victim,
        Client(system) as superadmin,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as http,
    ):
        await member.become_member()
        uid = (await victim.become_member()).body["uid"]
        await superadmin.log_in_as_superadmin()
        author = (await superadmin.get("resource/users/me")).body["uid"]
        people = {"uid": uid, "uids": [uid], "by": {"uid": author, "role": "superadmin"}}
        caller = Caller(system, http, {"resource": member, "admin": superadmin})
        made = 0
        for service in MODULES:
            await caller.renew(service)
            waiting = calls(service, people)

            async def work(waiting: Iterator[Call] = waiting) -> None:
                nonlocal made
                for call in waiting:
                    made += 1
                    status, body = await caller.make(call)
                    if "oauth.challenge.login_required" in body:
                        continue  # it takes a session, which these calls have not
                    if status >= 500 or (call.service != "identity" and status == 401):
                        failures.append(f"{status} {body[:100]}: {call}")

            with capture_logs():  # nobody reads so many
                await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    assert not failures, "\n".join(failures[:20])
    assert made > 3000


@pytest.mark.parametrize("service", MODULES)
def test_nothing_is_none_that_its_form_does_not_call_so(service: str) -> None:
    """JSON can say null in every field, and a form can leave every field blank."""
    for _, route, form in forms(service):
        hints = get_type_hints(form)
        for each in dataclasses.fields(form):
            field = each.metadata.get("marshmallow")
            if field is None or f"{{{each.name}" in route.path:
                continue
            for blank in (None, "", " "):
                try:
                    value = field.deserialize(blank, each.name, {})
                except ValidationError:
                    continue
                optional = hints[each.name] is Any or type(None) in get_args(hints[each.name])
                assert value is not None or optional, f"{form.__name__}.{each.name}: {blank!r}"
