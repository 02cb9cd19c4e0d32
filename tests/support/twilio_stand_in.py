"""A stand-in for Twilio's message and Verify APIs on localhost, and the phones that they reach."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

ACCOUNT, TOKEN, SERVICE, SENDER = "AC0123", "the-auth-token", "VA0123", "+15005550006"


@dataclass(slots=True)
class TwilioStandIn:
    """Remembers what it sent where; `refusal` is the error code with which it refuses instead.

    `broken` is another way to fail.
    """

    url: str = ""
    broken: str = ""
    refusal: tuple[int, int] | None = None
    messages: list[Mapping[str, str]] = field(default_factory=list)
    verifications: dict[str, str] = field(default_factory=dict)
    token: str = TOKEN

    def start_anew(self) -> None:
        """Forgets what it did, and whatever a test told it to do."""
        self.broken, self.refusal, self.token = "", None, TOKEN
        self.messages.clear()
        self.verifications.clear()

    def code_sent_to(self, number: str) -> str:
        """The code in the latest message to a number."""
        text = next(m["Body"] for m in reversed(self.messages) if m["To"] == number)
        match = re.search(r"[0-9]+", text)
        assert match
        return match[0]

    async def create_message(self, request: web.Request) -> web.StreamResponse:
        """POST /2010-04-01/Accounts/{account}/Messages.json."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if (failed := await self._failure(request)) is not None:
            return failed
        self.messages.append(form)
        return web.json_response(
            {"sid": f"SM{secrets.token_hex(16)}", "status": "queued"}, status=201
        )

    async def verify(self, request: web.Request) -> web.StreamResponse:
        """POST /v2/Services/{service}/Verifications."""
        form = await request.post()
        if (failed := await self._failure(request)) is not None:
            return failed
        self.messages.append({"To": str(form["To"]), "Channel": str(form["Channel"])})
        self.verifications[str(form["To"])] = f"{secrets.randbelow(10**6):06}"
        return web.json_response({"sid": "VE1", "status": "pending", "valid": False}, status=201)

    async def check(self, request: web.Request) -> web.StreamResponse:
        """POST /v2/Services/{service}/VerificationCheck."""
        form = await request.post()
        if (failed := await self._failure(request)) is not None:
            return failed
        number, code = str(form["To"]), str(form["Code"])
        if not re.fullmatch("[0-9]{4,10}", code):
            return error(400, 60200)
        if number not in self.verifications:
            return error(404, 20404)
        if self.verifications[number] != code:
            return web.json_response({"sid": "VE1", "status": "pending", "valid": False})
        del self.verifications[number]
        return web.json_response({"sid": "VE1", "status": "approved", "valid": True})

    async def _failure(self, request: web.Request) -> web.StreamResponse | None:
        authorization = aiohttp.encode_basic_auth(ACCOUNT, self.token)
        if request.headers["Authorization"] != authorization:
            return error(401, 20003)
        account = request.match_info.get("account", ACCOUNT)
        if account != ACCOUNT or request.match_info.get("service", SERVICE) != SERVICE:
            return error(404, 20404)
        if self.refusal:
            return error(*self.refusal)
        return await broken(self.broken) if self.broken else None


async def broken(how: str) -> web.StreamResponse:
    """What no documentation of Twilio's knows."""
    match how:
        case "slow":
            await asyncio.sleep(60)  # longer than the gateway waits, which would say so
            return error(500, 20500)
        case "redirect":
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
        case "text":
            return web.Response(text="<html>sent</html>", status=201)
        case "list":
            return web.json_response(["approved"], status=201)
        case "teapot":
            return web.json_response({"code": "none"}, status=418)
        case _:
            return web.json_response({"status": 500}, status=500)


def error(status: int, code: int) -> web.Response:
    """As www.twilio.com/docs/usage/twilios-response shows it."""
    body: dict[str, Any] = {
        "code": code,
        "message": "No.",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(body, status=status)


@asynccontextmanager
async def twilio_stand_in() -> AsyncIterator[TwilioStandIn]:
    """A stand-in that listens."""
    made = TwilioStandIn()
    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", made.create_message)
    app.router.add_post("/v2/Services/{service}/Verifications", made.verify)
    app.router.add_post("/v2/Services/{service}/VerificationCheck", made.check)
    async with TestServer(app, handler_cancellation=True) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made
