"""A member of a system that is measured, with what members have attached to themselves."""

import asyncio
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from shared.contracts.services import GATEWAY
from shared.contracts.sessions import session_key
from tests.bench.installed import Bench
from tests.support.internal import identity_of
from tests.support.system import PASSWORD, SUPERADMIN

USER_AGENT = "bench"
EMAIL = "member@example.com"
_SECONDS = 20
_ATTACHED: Mapping[str, Mapping[str, str]] = {
    "labels": {"key": "colour", "value": "blue"},
    "profiles": {"first_name": "Ada", "last_name": "Byron", "dob": "1990-12-10", "country": "GB"},
    "data_storage": {"title": "personal", "data": '{"language":"en"}'},
}


@dataclass(frozen=True, slots=True)
class Member:
    """What they call with."""

    cookie: str
    csrf_token: str

    @property
    def at_gateway(self) -> dict[str, str]:
        """Their headers at the gateway."""
        return {"Cookie": self.cookie, "User-Agent": USER_AGENT}

    @property
    def proof(self) -> dict[str, str]:
        """Their headers of a call that changes something."""
        return {"Cookie": self.cookie, "X-CSRF-Token": self.csrf_token}


def bearers(bench: Bench, *members: Member) -> list[str]:
    """The Authorization header that a service gets with a call of each member, good for a minute.

    It is the gateway's: services take no token that a client was given.
    """

    async def made() -> list[str]:
        async with identity_of(bench.system, GATEWAY) as identity:
            keys = [session_key(member.cookie.partition("=")[2]) for member in members]
            return [f"Bearer {(await identity.resolve_session(key)).token}" for key in keys]

    return asyncio.run(made())


def member_of(bench: Bench, email: str = EMAIL) -> Member:
    """Signs up, confirms, and attaches what needs nobody else, through the gateway."""
    post(bench, "identity/users", {"email": email, "password": PASSWORD})
    mail = bench.folder / "mail" / f"{email}.token"
    deadline = time.monotonic() + _SECONDS
    while not (mail.exists() and mail.read_text()):
        if time.monotonic() > deadline:
            raise TimeoutError(str(mail))
        time.sleep(0.05)
    member = _logged_in(bench, "identity/users/email/confirm_code", {"token": mail.read_text()})
    for path, form in _ATTACHED.items():
        post(bench, f"resource/{path}", form, member.proof)
    return member


def superadmin_of(bench: Bench) -> Member:
    """Logs the superadmin in, through the gateway."""
    return _logged_in(bench, "identity/sessions", {"email": SUPERADMIN, "password": PASSWORD})


def _logged_in(bench: Bench, path: str, form: Mapping[str, str]) -> Member:
    headers, body = post(bench, path, form)
    return Member(headers["Set-Cookie"].partition(";")[0], body["csrf_token"])


def post(
    bench: Bench, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> tuple[Mapping[str, str], Any]:
    """A call through the gateway: headers and body of its answer; raises RuntimeError for others.

    `path` is below /api/v2/barong unless absolute.
    """
    client = http.client.HTTPConnection("127.0.0.1", bench.system.public["gateway"], timeout=20)
    sent = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": USER_AGENT}
    url = path if path.startswith("/") else f"/api/v2/barong/{path}"
    client.request("POST", url, urlencode(form), {**sent, **(headers or {})})
    response = client.getresponse()
    body = response.read()
    if response.status not in (200, 201):
        raise RuntimeError(f"{path} answered {response.status}: {body!r}")
    return dict(response.getheaders()), json.loads(body)
